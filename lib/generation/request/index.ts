export {
  type GenerationRequest,
  type ResolvedRequest,
  resolveRequest,
  type VideoLimits,
  videoLimitsSchema,
} from "./request.ts";
export { RequestError, type RequestField } from "./request-error.ts";
