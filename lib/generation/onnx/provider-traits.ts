import { defaultProvider, type Precision, type Provider, precisions } from "./types.ts";

/** Properties of an execution provider that graphs depend on, besides the operators that lowering.ts chooses for it. */
interface ProviderTraits {
  /** Default precision of the products of a transformer's blocks. */
  readonly precision: Precision;
  /** Precisions that the provider has kernels for. Others would run on the CPU, without a word. */
  readonly precisions: readonly Precision[];
  /** True if `Attention` materialises the scores of all heads. */
  readonly holdsScores: boolean;
  /** True if large weights of 8 or 16 bits are cast to float32 while the graph runs. WebGPU has no bfloat16. */
  readonly castsLate: boolean;
  /** True if drivers differ so much that their operators are compared with the CPU's before a model is opened. */
  readonly isChecked: boolean;
  /**
   * Provider of text encoders. They run once a video, and those of 5 billion parameters take 19 GB in float32; the
   * embedding of UMT5-XXL alone takes 4.2 GB, and shaders of WebGPU reach at most 4 GiB of a buffer.
   */
  readonly textProvider: Provider;
}

export const providerTraits: Readonly<Record<Provider, ProviderTraits>> = {
  cpu: {
    precision: "float32",
    precisions,
    holdsScores: true,
    castsLate: true,
    isChecked: false,
    textProvider: "cpu",
  },
  cuda: {
    precision: "float16",
    precisions: ["float32", "float16"],
    holdsScores: false,
    castsLate: true,
    isChecked: false,
    textProvider: "cuda",
  },
  webgpu: {
    precision: "float32",
    precisions: ["float32", "float16"],
    holdsScores: false,
    castsLate: false,
    isChecked: true,
    textProvider: "cpu",
  },
};

/** Default precision of the products of a transformer's blocks: float16 on CUDA, float32 elsewhere. */
export function defaultPrecision(provider: Provider = defaultProvider): Precision {
  return providerTraits[provider].precision;
}

/** Returns why a provider cannot compute in a precision, in one sentence; undefined if it can. */
export function precisionFault(
  precision: Precision,
  provider: Provider = defaultProvider,
): string | undefined {
  const known: readonly Precision[] = providerTraits[provider].precisions;
  if (known.includes(precision)) return undefined;
  const others = `${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
  return `the provider ${provider} has no products in ${precision}: take ${others}`;
}

/** Returns the provider that runs the text encoder of a model whose other parts run on `provider`. */
export function textProvider(provider: Provider = defaultProvider): Provider {
  return providerTraits[provider].textProvider;
}
