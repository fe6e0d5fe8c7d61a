export { gaussianNoise, MAX_SEED } from "./noise.ts";
export {
  eulerStep,
  type FlowTable,
  MAX_STEPS,
  OPEN_SORA_FLOW,
  type RectifiedFlowConfig,
  type RectifiedFlowOptions,
  rectifiedFlow,
} from "./rectified-flow.ts";
