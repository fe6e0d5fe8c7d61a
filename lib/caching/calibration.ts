/** From what a model measures to a codebook for it: neither paper nor code of AdaCache says how theirs were found. */
import { adacache } from "./adacache.ts";
import type { Codebook, CodebookRow } from "./codebook.ts";
import { type MotionRegularisation, motionFor } from "./motion.ts";
import type { CachePolicy } from "./policy.ts";

/**
 * One generation that computed every step and asked at each what reuse would have done. Lists are by 0-based step, and
 * within a step by the distance to an earlier one: first the step before it. They are as long as was measured.
 */
export interface CalibrationRun {
  /** Relative L1 change of the probe since the earlier step. */
  readonly changes: readonly (readonly number[])[];
  readonly motionScores: readonly (number | null)[];
  /** Relative L2 error of the guided prediction that reuses the residual of the earlier step. */
  readonly errors: readonly (readonly number[])[];
}

/** What is wished for: so many steps for each computed one, or at most that mean error of all predictions. */
export type CalibrationAim = { readonly speedup: number } | { readonly error: number };

/** What a policy does to a generation. */
export interface ReplayedRun {
  /** 1-based. */
  readonly computed: readonly number[];
  /** Mean over all steps, of which computed ones have none. */
  readonly error: number;
}

export interface ProposedCodebook {
  readonly codebook: Codebook;
  /** Its reference is the median score of the runs: a video that moves as they do is not regularised. */
  readonly motion: MotionRegularisation;
  /** Steps for each computed one, over all runs. */
  readonly speedup: number;
  readonly error: number;
}

/** Tolerances that are tried, from one that reuses nothing to one that always reuses. */
const TRIES = 200;

/** What a policy would have computed of a run, and the error it would have made. No rate may pass what was measured. */
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
    if (reuseError === undefined || cache.shouldCompute(step)) {
      const change = last < 0 ? null : (changesOfStep[step - last - 1] ?? null);
      cache = cache.afterComputed(step, { change, motionScore: motionScores[step]! });
      last = step;
      computed.push(step + 1);
    } else {
      error += reuseError;
    }
  }
  return { computed, error: error / changes.length };
}

/**
 * The codebook that reaches an aim on the runs at the least cost, or null where none does. For each rate it lets pass
 * the distances at which the last reused step has been off by no more than a tolerance on average. That tolerance and
 * the strength of the motion regularisation are all that is chosen, so that a few runs suffice.
 *
 * @param rateMax the largest rate to use, at most one more than the earlier steps that were measured
 */
export function proposeCodebook(
  runs: readonly CalibrationRun[],
  aim: CalibrationAim,
  rateMax: number,
): ProposedCodebook | null {
  const largest = Math.max(...runs.flatMap(({ errors }) => errors.flat()));
  const codebooks = Array.from({ length: TRIES + 1 }, (_, i) =>
    codebookWithin(runs, largest * (i / TRIES) ** 2, rateMax),
  );
  const candidates = motionsFor(runs).flatMap((motion) =>
    codebooks.map((codebook) => ({
      codebook,
      motion,
      ...replayAll(runs, adacache({ name: "candidate", codebook, motion })),
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

/** What a policy would have done to all of the runs. */
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

/** The authors' constants around the median score of the runs, and gentler ones. */
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

/** The rows under whose thresholds the last reused step is off by at most `tolerance` on average. */
function codebookWithin(runs: readonly CalibrationRun[], tolerance: number, rateMax: number): Codebook {
  const rows: CodebookRow[] = [];
  for (let rate = rateMax; rate > 1; rate--) {
    const below = thresholdOf(samplesOf(runs, rate), tolerance);
    if (below > (rows.at(-1)?.below ?? 0)) rows.push({ below, rate });
    if (below === Infinity) return rows;
  }
  return [...rows, { below: Infinity, rate: 1 }];
}

interface Sample {
  readonly distance: number;
  readonly error: number;
}

/** What each step measured since the one before it, and what the last of `rate - 1` reuses after it would have done. */
function samplesOf(runs: readonly CalibrationRun[], rate: number): Sample[] {
  const samples = runs.flatMap(({ changes, errors }) =>
    changes.map(([distance], step) => ({ distance, error: errors[step + rate - 1]?.[rate - 2] })),
  );
  return samples
    .filter((sample): sample is Sample => sample.distance !== undefined && sample.error !== undefined)
    .toSorted((a, b) => a.distance - b.distance);
}

/** Halfway to the next distance after the longest beginning whose mean error is within the tolerance. */
function thresholdOf(samples: readonly Sample[], tolerance: number): number {
  let sum = 0;
  let threshold = 0;
  for (const [i, { distance, error }] of samples.entries()) {
    sum += error;
    const next = samples[i + 1]?.distance ?? Infinity;
    // People read the file.
    if (sum / (i + 1) <= tolerance) threshold = Number(((distance + next) / 2).toPrecision(4));
  }
  return threshold;
}

function best<T>(candidates: readonly T[], score: (candidate: T) => number): T | null {
  return candidates.reduce<T | null>(
    (chosen, candidate) => (chosen === null || score(candidate) > score(chosen) ? candidate : chosen),
    null,
  );
}
