import type { Frames } from "../../../lib/generation/video/index.ts";
import { type Method, methodsFor } from "../methods.ts";
import { type BenchmarkPrompt, benchmarkPrompts, FULL_ROUND } from "./scenes.ts";

/** Prompts and methods of the benchmark that its pictures show. */

/** Denoising steps of the reference. */
export const PICTURED_STEPS = 30;

/** Methods beside the reference, in the order of the rows. */
const NAMES = ["AdaCache slow", "AdaCache fast", "AdaCache fast, motion", "static:3", "10 steps, no cache"];

/** Places in the full round of a fast, a slow and a bouncing object; the first has the prompt of the README. */
const PLACES = [2, 5, 11];

export const picturedPrompts: readonly BenchmarkPrompt[] = PLACES.map(
  (place) => benchmarkPrompts(FULL_ROUND)[place]!,
);

/** Reference, and then the methods that are compared with it. */
export const picturedMethods: readonly [reference: Method, ...compared: Method[]] = [
  { ...methodsFor(PICTURED_STEPS)[0]!, name: "no cache" },
  ...NAMES.map((name) => methodsFor(PICTURED_STEPS).find((method) => method.name === name)!),
];

/** A video of a method, with its difference from the reference. */
export interface PicturedVideo {
  readonly frames: Frames;
  readonly computed: number;
  /** Null for the reference. PSNR in dB; Infinity if no pixel differs. */
  readonly difference: { readonly psnr: number; readonly ssim: number } | null;
}

/** A method, with its videos in the order of `picturedPrompts`. */
export interface PicturedRow {
  readonly method: string;
  readonly videos: readonly PicturedVideo[];
}

/** Says how much of a video was computed, and how close it is to the reference. */
export function told({ computed, difference }: PicturedVideo): string {
  const steps = `${computed} of ${PICTURED_STEPS} steps`;
  if (!difference) return `${steps}, the reference`;
  if (difference.psnr === Infinity) return `${steps}, no pixel differs`;
  return `${steps}, ${difference.psnr.toFixed(1)} dB, SSIM ${difference.ssim.toFixed(3)}`;
}
