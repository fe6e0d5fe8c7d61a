import { defaultProvider, type Precision, type Provider } from "./types.ts";

/** Properties of an execution provider that graphs depend on, besides the operators that lowering.ts chooses for it. */
interface ProviderTraits {
  /** Default precision of the products of a transformer's blocks. */
  readonly precision: Precision;
  /** True if `Attention` materialises the scores of all heads. */
  readonly holdsScores: boolean;
  /** True if large 16-bit weights are cast to float32 while the graph runs. WebGPU has no bfloat16. */
  readonly castsLate: boolean;
}

export const providerTraits: Readonly<Record<Provider, ProviderTraits>> = {
  cpu: { precision: "float32", holdsScores: true, castsLate: true },
  cuda: { precision: "float16", holdsScores: false, castsLate: true },
  webgpu: { precision: "float32", holdsScores: false, castsLate: false },
};

/** Default precision of the products of a transformer's blocks: float16 on CUDA, float32 elsewhere. */
export function defaultPrecision(provider: Provider = defaultProvider): Precision {
  return providerTraits[provider].precision;
}
