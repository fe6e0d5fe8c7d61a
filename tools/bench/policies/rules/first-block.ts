/**
 * First-Block Cache: runs the first block at every step and reuses the rest while what that block adds has drifted
 * little since the last computed step.
 *
 * Two forms exist. ParaAttention (chengzeyi/ParaAttention 4de137c, `first_block_cache/utils.py`) reuses while the
 * drift is below the threshold; diffusers 0.42.1 (`hooks/first_block_cache.py`) computes when it is above. They differ
 * at equality, and in their numbers.
 *
 * Facts met in the public code:
 * - Neither form computes a warm-up or the last step by itself (both files).
 * - In diffusers a drift of 0 / 0 is reused, because NaN is not above the threshold; here it is computed
 *   (first_block_cache.py:142).
 * - ParaAttention decides the two halves of guidance apart (`enable_alter_cache`), as diffusers does by context
 *   (adapters/wan.py:55).
 */
import { assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface FirstBlockOptions {
  readonly threshold: number;
  /** True to reuse a drift equal to the threshold. */
  readonly reuseAtThreshold: boolean;
  /** Number of first steps that are always computed. */
  readonly warmup: number;
}

/** Drift of a front: mean |r - r'| / mean |r'|, r' being what it added at the last computed step; null before one. */
export interface DriftSignal {
  readonly drift: number | null;
}

/** Defaults of diffusers 0.42.1 (`FirstBlockCacheConfig`). */
export const FIRST_BLOCK_DIFFUSERS = { threshold: 0.05, reuseAtThreshold: true, warmup: 0 } as const;
/** Defaults of ParaAttention; the threshold is that of its examples for FLUX, and 0.06 for HunyuanVideo. */
export const FIRST_BLOCK_PARA_ATTENTION = { threshold: 0.08, reuseAtThreshold: false, warmup: 0 } as const;

/** Starts First-Block Cache. A threshold of 0 reuses nothing in ParaAttention's form. */
export function firstBlockCache(options: FirstBlockOptions): Rule<DriftSignal> {
  const { threshold, reuseAtThreshold, warmup } = options;
  assertBetween("threshold", threshold, 0);
  assertCount("warmup", warmup, 0);
  return ruleOf<null, DriftSignal, void>(null, {
    ask(memory, step, { drift }) {
      const isClose = drift !== null && (reuseAtThreshold ? drift <= threshold : drift < threshold);
      return { compute: step < warmup || !isClose, memory };
    },
    tell: (memory) => memory,
  });
}
