/**
 * MagCache (arXiv 2506.09045; Zehong-Ma/MagCache df81cb1): a schedule from how much the size of the residual changes
 * from step to step, measured once for a model. It depends on no prompt.
 *
 * Two forms exist. The authors' for Wan is taken (`MagCache4Wan2.1/magcache_generate.py`): a step is reused while the
 * total is below the threshold, and floor(2 N r) passes are computed first, two for each step. In diffusers 0.42.1
 * (`hooks/mag_cache.py`) and in the authors' form for HunyuanVideo a total at the threshold is reused too, and
 * diffusers rounds N r to the nearest.
 *
 * Facts met in the public code:
 * - The command line's default is the slow setting, K = 2; the fast one, K = 4, has to be asked for
 *   (magcache_generate.py:756).
 * - The error of one skipped step is the ratio's distance from 1 over the whole gap, and those errors are added up
 *   (magcache_generate.py:282).
 * - The last step is not forced (both files).
 * - Ratios of halves are kept in one list, the conditional first, and each half decides apart; here there is one list
 *   (magcache_generate.py:280).
 * - Numpy and torch round half to even, and diffusers multiplies in float32: at a half it may take another ratio
 *   (`nearest_interp`).
 */
import { assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface MagCacheOptions {
  /**
   * Ratio of each denoising step: the mean over tokens of |r| / |r'| (Euclidean norms of a token's residual), r' being
   * that of the step before. The first is 1.
   */
  readonly ratios: readonly number[];
  readonly threshold: number;
  /** Most reused steps in a row, K in the paper. */
  readonly maxConsecutive: number;
  /** Share of the steps that is always computed at the beginning. */
  readonly warmupShare: number;
}

/** Defaults of the authors' command line for Wan 2.1: their slow setting (E012K2R02). */
export const MAGCACHE_WAN = { threshold: 0.12, maxConsecutive: 2, warmupShare: 0.2 } as const;
/** Fast setting of the authors for Wan 2.1 1.3B (E012K4R02). */
export const MAGCACHE_WAN_FAST = { threshold: 0.12, maxConsecutive: 4, warmupShare: 0.2 } as const;
/** Defaults of diffusers 0.42.1 (`MagCacheConfig`). */
export const MAGCACHE_DIFFUSERS = { threshold: 0.06, maxConsecutive: 3, warmupShare: 0.2 } as const;
/** Defaults of vLLM-Omni (`DiffusionCacheConfig`). */
export const MAGCACHE_VLLM_OMNI = { threshold: 0.24, maxConsecutive: 5, warmupShare: 0.1 } as const;

interface Memory {
  readonly ratio: number;
  readonly error: number;
  readonly consecutive: number;
}

const NOTHING_REUSED: Memory = { ratio: 1, error: 0, consecutive: 0 };

/**
 * Starts MagCache.
 *
 * @throws RangeError if a ratio is not a positive number
 */
export function magCache(options: MagCacheOptions): Rule<void> {
  const { ratios, threshold, maxConsecutive, warmupShare } = options;
  assertBetween("threshold", threshold, 0);
  assertCount("maxConsecutive", maxConsecutive, 0);
  assertBetween("warmupShare", warmupShare, 0, 1);
  assertRatios(ratios);
  const passesOfWarmup = Math.floor(2 * ratios.length * warmupShare);
  return ruleOf<Memory, void, void>(NOTHING_REUSED, {
    ask(memory, step) {
      if (step === 0 || 2 * step < passesOfWarmup) return { compute: true, memory: NOTHING_REUSED };
      const ratio = memory.ratio * ratios[step]!;
      const error = memory.error + Math.abs(1 - ratio);
      const consecutive = memory.consecutive + 1;
      return error < threshold && consecutive <= maxConsecutive
        ? { compute: false, memory: { ratio, error, consecutive } }
        : { compute: true, memory: NOTHING_REUSED };
    },
    tell: (memory) => memory,
  });
}

/**
 * Takes the ratios of another number of steps, each the nearest in place, a half going to the even index.
 *
 * A ratio is one of neighbouring steps, and the authors do not rescale it: with half the steps the true ratios lie
 * about twice as far from 1 as those taken.
 */
export function resampleRatios(ratios: readonly number[], steps: number): number[] {
  assertCount("steps", steps, 1);
  assertRatios(ratios);
  if (steps === 1) return [ratios.at(-1)!];
  const scale = (ratios.length - 1) / (steps - 1);
  return Array.from({ length: steps }, (_, step) => ratios[roundHalfToEven(step * scale)]!);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function assertRatios(ratios: readonly number[]): void {
  if (ratios.length === 0) throw new RangeError("MagCache needs the ratio of at least one step");
  const wrong = ratios.findIndex((ratio) => !(ratio > 0 && ratio < Infinity));
  if (wrong >= 0) {
    throw new RangeError(
      `a ratio of MagCache has to be a positive number, step ${wrong + 1} has ${ratios[wrong]}`,
    );
  }
}
