import { mean, quantile } from "../statistics.ts";
import type { Sample } from "./bootstrap.ts";
import { decibelsOf, type MeasuredMethod, type PolicyResults, type PolicyRun, timeOf } from "./results.ts";

/** Quality over time of one policy: a point for each of its settings. */
export interface Curve {
  readonly group: string;
  readonly role: MeasuredMethod["role"];
  readonly settings: readonly CurveSetting[];
}

export interface CurveSetting {
  readonly label: string;
  /** Runs in the order of `Comparison.prompts`. */
  readonly runs: readonly PolicyRun[];
}

/** Curves at one number of denoising steps, over the prompts that all of them have. */
export interface Comparison {
  readonly steps: number;
  /** Indexes into the prompts of the results. */
  readonly prompts: readonly number[];
  readonly curves: readonly Curve[];
}

/** Numbers by which the quality of some videos is summarised, of their PSNR in dB. */
export const STATISTICS = {
  mean: (values: readonly number[]) => mean(values),
  p10: (values: readonly number[]) => quantile(values, 0.1),
  worst: (values: readonly number[]) => Math.min(...values),
} as const;

export type Statistic = keyof typeof STATISTICS;

/** Returns the curves at a number of steps. Prompts that a method has not run are left out of all. */
export function comparisonOf(results: PolicyResults, steps: number): Comparison {
  const runs = results.runs.filter((run) => run.steps === steps);
  const methods = results.methods.filter((method) => runs.some((run) => isRunOf(run, method)));
  const prompts = results.prompts
    .map((_, prompt) => prompt)
    .filter((prompt) => {
      const own = runs.filter((run) => run.prompt === prompt);
      return methods.every((method) => own.some((run) => isRunOf(run, method)));
    });
  const groups = [...new Set(methods.map(({ group }) => group))];
  const curves = groups.map((group): Curve => {
    const own = methods.filter((method) => method.group === group);
    return {
      group,
      role: own[0]!.role,
      settings: own.map((method) => {
        const byPrompt = new Map(
          runs.filter((run) => isRunOf(run, method)).map((run) => [run.prompt, run] as const),
        );
        return { label: method.label, runs: prompts.map((prompt) => byPrompt.get(prompt)!) };
      }),
    };
  });
  return { steps, prompts, curves };
}

function isRunOf(run: PolicyRun, { group, label }: MeasuredMethod): boolean {
  return run.group === group && run.label === label;
}

/** Share of the ends' time up to which a curve is continued flat: a sample of prompts moves its ends a little. */
const BEYOND_ENDS = 0.03;

/**
 * Returns the quality of a curve at a time, interpolated between the settings next to it.
 *
 * @param time  share of the uncached denoising time
 * @returns dB, or null if the time is outside the curve
 */
export function qualityAt(
  { settings }: Curve,
  time: number,
  statistic: Statistic,
  sample: Sample,
): number | null {
  const points = settings
    .map(({ runs }) => {
      const drawn = sample.map((index) => runs[index]!);
      return { time: timeOf(drawn), quality: STATISTICS[statistic](drawn.map(decibelsOf)) };
    })
    .sort((a, b) => a.time - b.time);
  const [first, last] = [points[0]!, points.at(-1)!];
  if (time < first.time) return time < first.time * (1 - BEYOND_ENDS) ? null : first.quality;
  if (time > last.time) return time > last.time * (1 + BEYOND_ENDS) ? null : last.quality;
  const after = points.findIndex((point) => point.time >= time);
  const to = points[after]!;
  const from = points[Math.max(after - 1, 0)]!;
  if (to.time === from.time) return to.quality;
  return from.quality + ((to.quality - from.quality) * (time - from.time)) / (to.time - from.time);
}

/** Returns the time and quality of one setting over a sample of prompts. */
export function settingAt({ runs }: CurveSetting, statistic: Statistic, sample: Sample) {
  const drawn = sample.map((index) => runs[index]!);
  return { time: timeOf(drawn), quality: STATISTICS[statistic](drawn.map(decibelsOf)) };
}
