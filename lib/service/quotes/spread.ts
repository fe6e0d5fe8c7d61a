import type { MeasuredRun } from "./measured-run.ts";
import { predicted } from "./prediction.ts";
import { boundsOf, median } from "./ranks.ts";

/** Ratios of the outcomes of earlier runs to what would have been predicted of them. */
export interface Spread {
  /** Median of outcome over prediction. */
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** Ratios that are assumed before a run was predicted. */
const ASSUMED = { low: 0.5, high: 2 } as const;

/** Number of ratios from which on a median other than 1 is believed. */
const BELIEVED = 5;

/**
 * Compares every run with the prediction from those before it, with the number of computed steps that it came to. So
 * the ratios are those by which quotes would have been wrong, and a machine that becomes slower shows in them.
 */
export function spreadOf(runs: readonly MeasuredRun[]): Spread {
  const ratios = runs.flatMap((run, index) => {
    const prediction = predicted(run, runs.slice(0, index));
    if (!prediction?.isMeasured) return [];
    const { expected } = prediction.seconds({ total: run.evaluations, computed: run.computed });
    return expected > 0 ? [run.seconds.make / expected] : [];
  });
  const middle = ratios.length >= BELIEVED ? median(ratios)! : 1;
  return { middle, ...boundsOf(ratios, ASSUMED) };
}
