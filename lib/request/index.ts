export {
  type GenerationRequest,
  type ResolvedRequest,
  resolveRequest,
  type VideoLimits,
  videoLimitsSchema,
} from "./request.ts";
export { RequestError } from "./request-error.ts";
