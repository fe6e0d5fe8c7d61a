import { type Figure, figure } from "./figure.ts";

/** Numbers of NVIDIA's data sheets. */
interface DataSheet {
  /** Dense float16 products on tensor cores with float32 sums, in TFLOPS. */
  readonly tflops: number;
  /** Memory bandwidth in GB/s. */
  readonly bandwidth: number;
}

/** Data sheets of the GPUs that instances have, and of those that others have timed models on. */
const DATA_SHEETS = {
  T4: { tflops: 65, bandwidth: 320 },
  A10G: { tflops: 70, bandwidth: 600 },
  L4: { tflops: 121, bandwidth: 300 },
  L40S: { tflops: 362, bandwidth: 864 },
  "RTX 4090": { tflops: 165, bandwidth: 1008 },
  A100: { tflops: 312, bandwidth: 2039 },
  H100: { tflops: 989, bandwidth: 3350 },
} as const satisfies Readonly<Record<string, DataSheet>>;

export type GpuName = keyof typeof DATA_SHEETS;

/** Hardware that a model was timed on, with its GPU. */
interface Timed {
  readonly hardware: string;
  readonly gpu: GpuName | null;
}

/**
 * Returns the assumed speed of a GPU over that of the hardware that a model was timed on. Products are bound by
 * TFLOPS and all else by bandwidth, so the speed lies between both ratios; assumed is their geometric mean.
 *
 * @param gpu GPU of the instance, or null for a CPU
 */
export function speedOf(gpu: string | null, { gpu: timed, hardware }: Timed): Figure {
  if (gpu === null || timed === null || gpu === timed || !Object.hasOwn(DATA_SHEETS, gpu))
    return figure(1, "assumed", `the instance is as fast as ${hardware}`);
  const [own, other] = [DATA_SHEETS[gpu as GpuName], DATA_SHEETS[timed]];
  const products = own.tflops / other.tflops;
  const memory = own.bandwidth / other.bandwidth;
  const speed = Number(Math.sqrt(products * memory).toFixed(2));
  const [least, most] = [products, memory].toSorted((a, b) => a - b).map((ratio) => ratio.toFixed(2));
  return figure(
    speed,
    "assumed",
    `by data sheets, the ${gpu} of the instance has ${least} to ${most} of the ${timed}'s products and bandwidth, and ` +
      "this is the geometric mean; --speed says otherwise",
  );
}
