/**
 * Finds a codebook for a model from measurements. Neither the paper nor the code of AdaCache says how the authors found
 * theirs.
 */
import { adacache } from "./adacache.ts";
import type { Codebook, CodebookRow } from "./codebook.ts";
import { type MotionRegularisation, motionFor } from "./motion.ts";
import { type CachePolicy, createPolicy } from "./policy.ts";
import { NOTHING_MEASURED } from "./signals.ts";

/**
 * Measurements of a generation that computed every step and also tried to reuse earlier steps at each. Outer lists are
 * by 0-based step. Inner lists are by distance to the earlier step, with the step just before first; they are as long
 * as was measured.
 */
export interface CalibrationRun {
  /** Relative L1 change of the probe since the earlier step. */
  readonly changes: readonly (readonly number[])[];
  readonly motionScores: readonly (number | null)[];
  /**
   * Relative L2 error of the guided prediction that reuses the residual of the earlier step, weighted by its effect on
   * the latent. The mean weight is 1.
   */
  readonly errors: readonly (readonly number[])[];
}

/** Aim of a calibration: a number of steps for each computed step, or a largest mean error over all steps. */
export type CalibrationAim = { readonly speedup: number } | { readonly error: number };

/** Result of a policy on a recorded generation. */
export interface ReplayedRun {
  /** Numbers of the computed steps, 1-based. */
  readonly computed: readonly number[];
  /** Mean error over all steps; computed steps have an error of 0. */
  readonly error: number;
}

export interface ProposedCodebook {
  readonly codebook: Codebook;
  /**
   * Motion regularisation whose reference is the median score of the runs, so that a video with that much motion has
   * weight 1.
   */
  readonly motion: MotionRegularisation;
  /** Number of steps for each computed step, over all runs. */
  readonly speedup: number;
  readonly error: number;
}

/** Number of prices that are tried, from one at which nothing is reused to one at which everything is. */
const TRIES = 200;

/** Signals that a run does not hold, and a clock that stands still. */
const NOT_RECORDED = { ...NOTHING_MEASURED, secondsSpent: 0, secondsLeft: null };

/**
 * Replays a policy on a run: returns the steps that it would have computed and the error that it would have made. The
 * policy must not need signals other than change and motion score, and its rates must not exceed the measured
 * distances.
 */
export function replayRun(
  policy: CachePolicy,
  { changes, motionScores, errors }: CalibrationRun,
): ReplayedRun {
  const computed: number[] = [];
  let error = 0;
  let cache = policy.start(changes.length);
  let last = -1;
  for (const [step, changesOfStep] of changes.entries()) {
    const reuseError = last < 0 ? undefined : errors[step]![step - last - 1];
    const { answer, next } = cache.ask({ ...NOT_RECORDED, denoisingStep: step });
    cache = next;
    if (reuseError === undefined || answer !== "reuse") {
      const change = last < 0 ? null : (changesOfStep[step - last - 1] ?? null);
      cache = cache.tell(step, { ...NOT_RECORDED, change, motionScore: motionScores[step]! }).next;
      last = step;
      computed.push(step + 1);
    } else {
      error += reuseError;
    }
  }
  return { computed, error: error / changes.length };
}

/**
 * Finds the codebook that reaches an aim on the runs at the least cost; returns null if none does. Each candidate is
 * the best codebook for some price of a computed step. Only that price and the strength of the motion regularisation
 * are fitted, so that a few runs suffice.
 *
 * @param rateMax largest rate to use, at most one more than the number of earlier steps that were measured
 */
export function proposeCodebook(
  runs: readonly CalibrationRun[],
  aim: CalibrationAim,
  rateMax: number,
): ProposedCodebook | null {
  const samples = samplesOf(runs, rateMax);
  const dearest = rateMax * Math.max(...samples.flatMap(({ errorSums }) => errorSums));
  const codebooks = Array.from({ length: TRIES + 1 }, (_, i) =>
    cheapestCodebook(samples, dearest * (i / TRIES) ** 3, rateMax),
  );
  const candidates = motionsFor(runs).flatMap((motion) =>
    codebooks.map((codebook) => ({
      codebook,
      motion,
      ...replayAll(runs, createPolicy(adacache, { codebook: [...codebook], motion })),
    })),
  );
  if ("speedup" in aim) {
    const fitting = candidates.filter(({ speedup }) => speedup >= aim.speedup);
    return best(fitting, ({ error }) => -error);
  }
  return best(
    candidates.filter(({ error }) => error <= aim.error),
    ({ speedup }) => speedup,
  );
}

/** Replays a policy on all runs; returns the overall speed-up and the mean error. */
export function replayAll(
  runs: readonly CalibrationRun[],
  policy: CachePolicy,
): Pick<ProposedCodebook, "speedup" | "error"> {
  const replayed = runs.map((run) => replayRun(policy, run));
  const steps = runs.reduce((sum, { changes }) => sum + changes.length, 0);
  const computed = replayed.reduce((sum, run) => sum + run.computed.length, 0);
  const error = replayed.reduce((sum, run) => sum + run.error, 0) / runs.length;
  return { speedup: steps / computed, error };
}

/**
 * Returns candidates of motion regularisation: the authors' constants around the median score of the runs, and gentler
 * ones.
 */
function motionsFor(runs: readonly CalibrationRun[]): MotionRegularisation[] {
  const authors = motionFor(runs[0]!.changes.length);
  const scores = runs
    .flatMap(({ motionScores }) => motionScores)
    .filter((score) => score !== null)
    .toSorted((a, b) => a - b);
  const median = scores[scores.length >> 1] || authors.reference;
  const reference = Number(median.toPrecision(4));
  const powers = [authors.power, 4, 2, 1].map((power) => ({ ...authors, reference, power }));
  return [...powers, { ...authors, reference, power: 1, gradientGain: 0 }];
}

/** A computed step: its change since the step before, and the summed errors of reusing it 0, 1, 2 and more times. */
interface Sample {
  readonly distance: number;
  readonly errorSums: readonly number[];
}

function samplesOf(runs: readonly CalibrationRun[], rateMax: number): Sample[] {
  const samples = runs.flatMap(({ changes, errors }) =>
    changes.flatMap(([distance], step) => {
      if (distance === undefined) return [];
      let sum = 0;
      const errorSums = [0];
      for (let reused = 1; reused < rateMax; reused++) {
        const error = errors[step + reused]?.[reused - 1];
        if (error === undefined) break;
        sum += error;
        errorSums.push(sum);
      }
      return [{ distance, errorSums }];
    }),
  );
  return samples.toSorted((a, b) => a.distance - b.distance);
}

/**
 * Finds the codebook of the least cost by dynamic programming. A computed step costs `price` and a reuse costs its
 * error; both are divided by the number of steps that the computed step serves. Rates fall from sample to sample, so
 * only the cheapest beginning for each last rate has to be kept.
 */
function cheapestCodebook(samples: readonly Sample[], price: number, rateMax: number): Codebook {
  const rates = Array.from({ length: rateMax }, (_, i) => rateMax - i);
  let beginnings = rates.map(() => ({ cost: 0, ends: [] as readonly number[] }));
  for (const [i, { errorSums }] of samples.entries()) {
    let cheapest = { cost: Infinity, ends: [] as readonly number[] };
    beginnings = rates.map((rate, which) => {
      const before = beginnings[which]!;
      // `ends` holds the index of the sample at which each of the rates before this one stops.
      cheapest =
        before.cost < cheapest.cost
          ? { cost: before.cost, ends: before.ends.slice(0, which) }
          : { cost: cheapest.cost, ends: [...cheapest.ends, i] };
      const steps = Math.min(rate, errorSums.length);
      return { cost: cheapest.cost + (price + errorSums[steps - 1]!) / steps, ends: cheapest.ends };
    });
  }
  const { which } = best(
    beginnings.map(({ cost }, which) => ({ cost, which })),
    ({ cost }) => -cost,
  )!;
  return rowsOf(samples, rates.slice(0, which + 1), beginnings[which]!.ends);
}

/** Returns rows with thresholds halfway between the last sample of one rate and the first of the next. */
function rowsOf(samples: readonly Sample[], rates: readonly number[], ends: readonly number[]): Codebook {
  const rows: CodebookRow[] = [];
  for (const [i, end] of ends.entries()) {
    const [last, next] = [samples[end - 1]?.distance ?? 0, samples[end]!.distance];
    // Rounded, because people read the file.
    const below = Number(((last + next) / 2).toPrecision(4));
    if (end > 0 && below > (rows.at(-1)?.below ?? 0)) rows.push({ below, rate: rates[i]! });
  }
  return [...rows, { below: null, rate: rates.at(-1)! }];
}

function best<T>(candidates: readonly T[], score: (candidate: T) => number): T | null {
  return candidates.reduce<T | null>(
    (chosen, candidate) => (chosen === null || score(candidate) > score(chosen) ? candidate : chosen),
    null,
  );
}
