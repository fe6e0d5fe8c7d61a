import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";
import type { Method } from "../methods.ts";
import { mean, quantile, type Spread, spread, standardDeviation } from "../statistics.ts";
import { MOTIONS, type Motion } from "./scenes.ts";

const runSchema = z.object({
  /** Index into `prompts`. */
  prompt: z.int().nonnegative(),
  /** Denoising steps of the reference. */
  steps: z.int().positive(),
  /** `Method.name`. */
  method: z.string(),
  computed: z.int().positive(),
  denoiseSeconds: z.number().positive(),
  /** Denoising seconds of the reference: the mean of a run before and a run after this one. */
  referenceSeconds: z.number().positive(),
  /** PSNR against the reference in dB; null if the videos are identical, because JSON has no Infinity. */
  psnr: z.number().nullable(),
  ssim: z.number(),
});

/** All measurements of `quality`; the report is written from them. */
export const qualityResultsSchema = z.object({
  kind: z.literal("quality"),
  circumstances: circumstancesSchema,
  minutes: z.number(),
  prompts: z.array(z.object({ text: z.string(), motion: z.enum(MOTIONS), seed: z.int() })).min(1),
  runs: z.array(runSchema).min(1),
});

export type QualityResults = z.infer<typeof qualityResultsSchema>;
export type QualityRun = QualityResults["runs"][number];

/** Summary of one method over some prompts. */
export interface QualitySummary {
  readonly videos: number;
  readonly computed: { mean: number; deviation: number; least: number; most: number };
  /** Denoising seconds of the reference divided by those of the method. */
  readonly speedup: Spread;
  /**
   * PSNR in dB. Identical videos are left out of the mean, which is null if all are; p10 and least count them
   * as Infinity.
   */
  readonly psnr: { mean: number | null; p10: number; least: number };
  readonly identical: number;
  readonly ssim: number;
}

/**
 * Summarises runs.
 *
 * @throws RangeError if there are no runs
 */
export function summarise(runs: readonly QualityRun[]): QualitySummary {
  const computed = runs.map((run) => run.computed);
  const psnr = runs.map((run) => run.psnr ?? Infinity);
  const finite = psnr.filter((value) => value !== Infinity);
  return {
    videos: runs.length,
    computed: {
      mean: mean(computed),
      deviation: standardDeviation(computed),
      least: Math.min(...computed),
      most: Math.max(...computed),
    },
    speedup: spread(runs.map((run) => run.referenceSeconds / run.denoiseSeconds)),
    psnr: {
      mean: finite.length === 0 ? null : mean(finite),
      p10: quantile(psnr, 0.1),
      least: Math.min(...psnr),
    },
    identical: runs.length - finite.length,
    ssim: mean(runs.map((run) => run.ssim)),
  };
}

/** Returns the runs of one method with one number of denoising steps. */
export function runsOf({ runs }: QualityResults, steps: number, { name }: Method): QualityRun[] {
  return runs.filter((run) => run.steps === steps && run.method === name);
}

/** Returns the measured numbers of denoising steps, ascending. */
export function stepCountsOf({ runs }: QualityResults): number[] {
  return [...new Set(runs.map((run) => run.steps))].sort((a, b) => a - b);
}

/** Summarises the runs of each motion that occurs. */
export function summariseByMotion(
  { prompts }: QualityResults,
  runs: readonly QualityRun[],
): Map<Motion, QualitySummary> {
  const groups = MOTIONS.map(
    (motion) => [motion, runs.filter((run) => prompts[run.prompt]!.motion === motion)] as const,
  );
  return new Map(
    groups.filter(([, group]) => group.length > 0).map(([motion, group]) => [motion, summarise(group)]),
  );
}
