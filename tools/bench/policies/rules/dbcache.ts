/**
 * DBCache of cache-dit 1.5.3 (`caching/cache_contexts/cache_manager.py`, `can_cache`): First-Block Cache with `blocks`
 * blocks in front, a warm-up, and limits on the number of reused steps.
 *
 * Facts met in the public code:
 * - A threshold of 1 or more reuses whatever the drift is (cache_manager.py:568).
 * - A transformer without a pipeline renews its context one step late: the first step of a second video may reuse the
 *   residual of the first video, unless `refresh_context` is called between them (cache_manager.py:104; seen with
 *   1.5.3: the warm-up of video 2 was steps 2 to 4, that of video 3 steps 3 to 5).
 * - The last step is not computed by itself (`can_cache` knows no number of steps).
 * - The limits are checked before the drift, and the steps are counted apart for each half of guidance
 *   (cache_manager.py:883).
 * - More blocks in front than the model has is an error; as many as it has saves nothing (pattern_base.py:117).
 */
import type { DriftSignal } from "./first-block.ts";
import { assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";

export interface DbCacheOptions {
  readonly threshold: number;
  /** Number of first steps that are always computed. */
  readonly warmup: number;
  /** Most reused steps in a row. */
  readonly maxConsecutive: number;
  /** Most reused steps of the video. */
  readonly maxReused: number;
}

/** Defaults of cache-dit itself (`BasicCacheConfig`): the first 8 blocks in front. */
export const DBCACHE_LIBRARY = {
  blocks: 8,
  threshold: 0.08,
  warmup: 8,
  maxConsecutive: Infinity,
  maxReused: Infinity,
} as const;

/** Defaults of vLLM-Omni (`DiffusionCacheConfig`) and SGLang's cache-dit integration: 1 block in front. */
export const DBCACHE_SERVERS = {
  blocks: 1,
  threshold: 0.24,
  warmup: 4,
  maxConsecutive: 3,
  maxReused: Infinity,
} as const;

interface Memory {
  readonly consecutive: number;
  readonly reused: number;
}

/** Starts DBCache. The drift is that of what the front blocks add together. */
export function dbCache(options: DbCacheOptions): Rule<DriftSignal> {
  const { threshold, warmup, maxConsecutive, maxReused } = options;
  assertBetween("threshold", threshold, 0);
  assertCount("warmup", warmup, 0);
  assertBetween("maxConsecutive", maxConsecutive, 0);
  assertBetween("maxReused", maxReused, 0);
  return ruleOf<Memory, DriftSignal, void>(
    { consecutive: 0, reused: 0 },
    {
      ask({ consecutive, reused }, step, { drift }) {
        const isAllowed = step >= warmup && reused < maxReused && consecutive < maxConsecutive;
        const isClose = drift !== null && threshold > 0 && (threshold >= 1 || drift < threshold);
        return isAllowed && isClose
          ? { compute: false, memory: { consecutive: consecutive + 1, reused: reused + 1 } }
          : { compute: true, memory: { consecutive: 0, reused } };
      },
      tell: (memory) => memory,
    },
  );
}
