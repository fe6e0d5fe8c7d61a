export { type KnownRun, policyOf, quotedFacts, runFacts, withoutCache } from "./cache-parameter.ts";
export { REQUEST_CONTROLS } from "./controls.ts";
export { askedByFlags, checkFlag, REQUEST_FLAGS, type RequestFlag } from "./flags.ts";
export {
  type ListedLora,
  LORA_NAME,
  listedLoraSchema,
  type VideoLimits,
  videoLimitsSchema,
} from "./limits.ts";
export { activeLoras, limitsWith, listedLoras, type RequestedLora } from "./loras.ts";
export type { Control, Declaration, Flag, FlagValue, Taker, Target } from "./parameter.ts";
export { seedOf } from "./parameters.ts";
export { MADE_FROM, ourName } from "./peer-names.ts";
export {
  type AskedRequest,
  askedShape,
  isResolvedRequest,
  kindOf,
  parseRequest,
  type ResolvedRequest,
  remixedRequest,
  resolvedRequestSchema,
  resolveRequest,
  toldRequest,
  toldShape,
  withoutWords,
} from "./request.ts";
export { RequestError } from "./request-error.ts";
export { atMost } from "./text.ts";
