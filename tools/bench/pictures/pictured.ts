import type { Frames } from "../../../lib/generation/video/index.ts";
import { type BenchmarkPrompt, benchmarkPrompts, FULL_ROUND } from "../scenes.ts";

/** Prompts and methods of the benchmark that its pictures show. */

/** Denoising steps of the reference. */
export const PICTURED_STEPS = 30;

/** Places in the full round of a fast, a slow and a bouncing object; the first has the prompt of the README. */
const PLACES = [2, 5, 11];

export const picturedPrompts: readonly BenchmarkPrompt[] = PLACES.map(
  (place) => benchmarkPrompts(FULL_ROUND)[place]!,
);

/** Way of making a video. */
export interface PicturedMethod {
  readonly name: string;
  readonly request: { readonly steps: number; readonly cache: string };
}

/** Reference, and then the methods that are compared with it. */
export const picturedMethods: readonly [reference: PicturedMethod, ...compared: PicturedMethod[]] = [
  { name: "no cache", request: { steps: PICTURED_STEPS, cache: "off" } },
  { name: "auto", request: { steps: PICTURED_STEPS, cache: "auto" } },
  { name: "10 computed steps", request: { steps: PICTURED_STEPS, cache: "computed_steps:10" } },
  { name: "AdaCache fast", request: { steps: PICTURED_STEPS, cache: "fast" } },
  { name: "static:3", request: { steps: PICTURED_STEPS, cache: "static:3" } },
  { name: "10 steps, no cache", request: { steps: 10, cache: "off" } },
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
