/** Bootstrap over prompts: how far a number could move if other prompts had been drawn. */
import { quantile } from "../statistics.ts";

/** Indexes of prompts, drawn with replacement. */
export type Sample = readonly number[];

export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** Number of samples; the ends of a 95 % interval then rest on 25 of them each. */
const SAMPLES = 1000;
const SEED = 12;

/** Returns the same samples for the same number of prompts, whatever is computed from them: comparisons are paired. */
export function bootstrapSamples(prompts: number, count = SAMPLES, seed = SEED): Sample[] {
  const next = randomIndex(seed);
  return Array.from({ length: count }, () => Array.from({ length: prompts }, () => next(prompts)));
}

/**
 * Returns a statistic with its 95 % percentile interval (Efron and Tibshirani, An Introduction to the Bootstrap, 13.3).
 * Samples for which the statistic does not exist are left out.
 *
 * @param statistic  of a sample of prompts; null if it does not exist
 * @returns null if the statistic of all prompts does not exist, or that of more than a tenth of the samples
 */
export function bootstrapInterval(
  prompts: number,
  statistic: (sample: Sample) => number | null,
  samples: readonly Sample[] = bootstrapSamples(prompts),
): Interval | null {
  const estimate = statistic(Array.from({ length: prompts }, (_, index) => index));
  if (estimate === null) return null;
  const values = samples.map(statistic).filter((value) => value !== null);
  if (values.length < 0.9 * samples.length) return null;
  return { estimate, low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/** Returns a generator of whole numbers from 0 up to below its argument (splitmix32). */
function randomIndex(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    mixed = (mixed ^ (mixed >>> 15)) >>> 0;
    return Math.floor((mixed / 2 ** 32) * below);
  };
}
