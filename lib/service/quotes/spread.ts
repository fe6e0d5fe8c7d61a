import type { MeasuredRun } from "./measured-run.ts";
import { predicted } from "./prediction.ts";
import { boundsOf, median } from "./ranks.ts";

/** Ratios of the outcomes of earlier runs to what would have been predicted of them. */
export interface Spread {
  /** Ratio that is expected now. */
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** Ratios that are assumed before a run was predicted. */
const ASSUMED = { low: 0.5, high: 2 } as const;

/** Number of ratios from which on they correct what is expected. */
const BELIEVED = 5;

/** Number of last runs that tell how fast the machine is now, and the time in which they have to have ended. */
const LAST = 3;
const LAST_MS = 10 * 60_000;

/** Share of the deviation of the last runs that is expected of the next one. */
const KEPT = 0.6;

/** Largest logarithm of a ratio that counts: a factor of a thousand. */
const OFF_MAX = Math.log(1000);

interface Outcome {
  readonly at: number;
  /** Logarithm of the outcome over the prediction. */
  readonly off: number;
}

/**
 * Compares every run with the prediction from those before it, with the number of computed steps that it came to. So
 * the ratios are those by which quotes would have been wrong, and a machine that becomes slower shows in them. If
 * the last minutes were slower or faster than usual, the next ones are expected to be so in part.
 */
export function spreadOf(runs: readonly MeasuredRun[], now: number): Spread {
  const outcomes: Outcome[] = [];
  const errors: number[] = [];
  for (const [index, run] of runs.entries()) {
    const prediction = predicted(run, runs.slice(0, index));
    // How long opening the model takes is not known before it was opened once.
    const isFirstOpening = run.isCold && !runs.slice(0, index).some(({ isCold }) => isCold);
    if (!prediction?.isMeasured || isFirstOpening) continue;
    const { expected } = prediction.seconds({ total: run.evaluations, computed: run.computed });
    if (expected <= 0 || run.seconds.make <= 0) continue;
    const off = Math.min(OFF_MAX, Math.max(-OFF_MAX, Math.log(run.seconds.make / expected)));
    errors.push(off - expectedOff(outcomes, run.at - run.seconds.make * 1000));
    outcomes.push({ at: run.at, off });
  }
  const middle = expectedOff(outcomes, now);
  const { low, high } = boundsOf(errors, { low: Math.log(ASSUMED.low), high: Math.log(ASSUMED.high) });
  return { middle: Math.exp(middle), low: Math.exp(middle + low), high: Math.exp(middle + high) };
}

/** Returns what the next run is expected to be off by: as usual, and in part as in the last minutes. */
function expectedOff(outcomes: readonly Outcome[], now: number): number {
  if (outcomes.length < BELIEVED) return 0;
  const usual = median(outcomes.map(({ off }) => off))!;
  const last = outcomes.slice(-LAST).filter(({ at }) => Math.abs(now - at) < LAST_MS);
  const recent = last.reduce((sum, { off }) => sum + off, 0) / Math.max(1, last.length);
  return last.length === 0 ? usual : usual + KEPT * (recent - usual);
}
