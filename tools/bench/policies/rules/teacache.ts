/**
 * TeaCache (arXiv 2411.19108; ali-vilab/TeaCache 7c10efc): accumulates how much the input of the first block changes
 * from step to step, and computes when the total reaches a threshold.
 *
 * Facts met in the public code:
 * - For Wan the signal is the embedding of the timestep alone, so the schedule depends on no prompt
 *   (TeaCache4Wan2.1/teacache_generate.py:520).
 * - A polynomial may be negative, and then lowers the total (CogVideoX, LTX and Wan have negative constants).
 * - Wan's threshold is 0.2 by default, and the README recommends 0.05 to 0.08 for 1.3B (teacache_generate.py:735).
 * - Wan with retention computes the first 5 steps, and the last step is not forced (teacache_generate.py:886).
 */
import { polynomialValue } from "./polynomial.ts";
import { accumulate, assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface TeaCacheOptions {
  /** Number of denoising steps. */
  readonly steps: number;
  readonly threshold: number;
  /** Coefficients, the highest power first; null accumulates the raw distance. */
  readonly polynomial: readonly number[] | null;
  /** Number of first steps that are always computed, at least 1. */
  readonly first: number;
  /** Number of last steps that are always computed. */
  readonly last: number;
}

/** Signal of a step: mean |m - m'| / mean |m'|, m' being the modulated input of the step before; null at the first. */
export interface TeaCacheSignal {
  readonly distance: number | null;
}

/** Thresholds and forced steps of the authors' experiments (`eval/teacache/experiments/{latte,opensora}.py`). */
export const TEACACHE_SLOW = { threshold: 0.1, first: 1, last: 1 } as const;
export const TEACACHE_FAST = { threshold: 0.2, first: 1, last: 1 } as const;

/** Polynomials of the authors, from `eval/teacache/experiments` and `TeaCache4Wan2.1/teacache_generate.py`. */
export const TEACACHE_POLYNOMIALS = {
  latte: [-2.46434137e3, 3.08044764e2, 8.07447667e1, -4.11385132, 1.11001402e-1],
  "open-sora": [2.17546007e2, -1.18329252e2, 2.68662585e1, -4.59364272e-2, 4.8442624e-2],
  "open-sora-plan": [2.05943668e5, -1.48759286e4, 3.06085986e2, 1.3141808, 2.39658469e-3],
  "wan-1.3B": [2.39676752e3, -1.31110545e3, 2.01331979e2, -8.29855975, 1.37887774e-1],
  "wan-14B": [-5784.54975374, 5449.50911966, -1811.16591783, 256.27178429, -13.02252404],
} as const;

/** Starts TeaCache. Where the signal is null, the step is computed. */
export function teaCache(options: TeaCacheOptions): Rule<TeaCacheSignal> {
  const { steps, threshold, polynomial, first, last } = options;
  assertCount("steps", steps, 1);
  assertCount("first", first, 1);
  assertCount("last", last, 0);
  assertBetween("threshold", threshold, 0);
  return ruleOf<number, TeaCacheSignal, void>(0, {
    ask(total, step, { distance }) {
      if (step < first || step >= steps - last || distance === null) return { compute: true, memory: 0 };
      const estimate = polynomial === null ? distance : polynomialValue(polynomial, distance);
      const next = accumulate(total, estimate, threshold);
      return { compute: next.compute, memory: next.total };
    },
    tell: (total) => total,
  });
}
