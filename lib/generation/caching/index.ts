export { type AdaCacheOptions, adacache } from "./adacache.ts";
export {
  type CalibrationAim,
  type CalibrationRun,
  type ProposedCodebook,
  proposeCodebook,
  type ReplayedRun,
  replayAll,
  replayRun,
} from "./calibration.ts";
export { type CacheSpeed, type Codebook, type CodebookRow, codebookFor, rateAt } from "./codebook.ts";
export { computeAll, computeEvery } from "./fixed.ts";
export { type MotionRegularisation, type MotionWindow, motionFor } from "./motion.ts";
export { CachePolicyError, type CodebookFile, type ParseOptions, parseCachePolicy } from "./parse.ts";
export type { CachePolicy, CacheState, Decision, Measurement } from "./policy.ts";
export { type CacheSetting, cacheSettingSchema } from "./setting.ts";
export { type CacheTrace, cacheTrace, type TraceStep, traceStep } from "./trace.ts";
