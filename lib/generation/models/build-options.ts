import type { Provider, WeightSource } from "../onnx/index.ts";

/**
 * Weights whose names and shapes can be queried before use, because checkpoints of one architecture differ in some
 * names.
 */
export interface NamedWeights extends WeightSource {
  has(name: string): boolean;
  info(name: string): { readonly shape: readonly number[] };
}

export interface BuildOptions {
  readonly weights: NamedWeights;
  readonly provider?: Provider;
  /** Bytes of weights from which sessions map them, as in `SessionOptions`. */
  readonly mappedBytesMin?: number;
  /** True to hold float32 copies of 16-bit weights; false by default. */
  readonly holdsCopies?: boolean;
  /** True to read weights of float32 linear layers in 8-bit integers, where there are some; false by default. */
  readonly readsIntegers?: boolean;
}
