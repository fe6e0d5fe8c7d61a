export { type AppliedLora, type TransformerWeights, withLoras } from "./adapted-weights.ts";
export { type Lora, type LoraCounts, type LoraTarget, readLora } from "./read-lora.ts";
