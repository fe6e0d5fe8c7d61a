import type { Provider, WeightSource } from "../onnx/index.ts";

/** Weights that can be asked about before use: checkpoints of one architecture differ in some names. */
export interface NamedWeights extends WeightSource {
  has(name: string): boolean;
  info(name: string): { readonly shape: readonly number[] };
}

export interface BuildOptions {
  readonly weights: NamedWeights;
  readonly provider?: Provider;
}
