export { fixedLevelsSchema } from "./fixed-levels.ts";
export { evenShares } from "./flow-euler.ts";
export { withGivenFrames, withNoisyFrames } from "./given-frames.ts";
export { linearQuadraticShares } from "./linear-quadratic.ts";
export { gaussianNoise, MAX_SEED } from "./noise.ts";
export {
  type EulerSampler,
  eulerSampler,
  OPEN_SORA_FLOW,
  type RectifiedFlowConfig,
  rectifiedFlow,
} from "./rectified-flow.ts";
export { type SamplerFactory, type Scheduler, samplerOf } from "./registry.ts";
export {
  type CleanEstimate,
  type LinearStep,
  linearSteps,
  MAX_STEPS,
  type Sampler,
  type SamplerStep,
  type SamplingRun,
} from "./sampler.ts";
