/**
 * SeaCache (arXiv 2602.18993; diffusers 0.42.1, `hooks/sea_cache.py`): accumulates the change of the filtered latent
 * from step to step, with a limit on steps reused in a row, and forecasts the residual linearly.
 *
 * The form of diffusers is taken, whose defaults vLLM-Omni shares. The paper filters input features, reuses the
 * residual as it is (order 0), has no limit in a row, and thresholds of 0.2 to 0.35 for Wan.
 *
 * Facts met in the public code:
 * - Without a sigma, step and step count in the cache context everything is computed, with one warning (sea_cache.py,
 *   `pre_forward`).
 * - Only two of diffusers' video models have an adapter built in: Wan text-to-video and Cosmos 3 (sea_cache.py,
 *   `raw_vision_callback`).
 * - The forecast is linear in step indices, not in sigma (sea_cache.py, `step_scale`).
 */
import { accumulate, assertBetween, assertCount, keepNewest, type Rule, ruleOf } from "./rule.ts";
import { taylorWeights } from "./taylor.ts";

export interface SeaCacheOptions {
  /** Number of denoising steps. */
  readonly steps: number;
  readonly threshold: number;
  /** Order of the forecast: 0 reuses the newest residual, 1 continues the line through the last two. */
  readonly order: 0 | 1;
  /** Number of first steps that are always computed. */
  readonly first: number;
  /** Number of last steps that are always computed. */
  readonly last: number;
  /** Most reused steps in a row; 0 for no limit. */
  readonly maxConsecutive: number;
}

/** Signal of a step: mean |y - y'| / mean |y'| of the filtered latents of this step and the one before, or null. */
export interface SeaCacheSignal {
  readonly distance: number | null;
}

/** Defaults of diffusers 0.42.1 (`SeaCacheConfig`) and of vLLM-Omni. */
export const SEACACHE_DIFFUSERS = {
  threshold: 0.25,
  order: 1,
  first: 1,
  last: 1,
  maxConsecutive: 2,
} as const;

interface Memory {
  readonly total: number;
  readonly consecutive: number;
  readonly kept: readonly number[];
}

/** Starts SeaCache. Its weights are those of the last one or two computed residuals. */
export function seaCache(options: SeaCacheOptions): Rule<SeaCacheSignal> {
  const { steps, threshold, order, first, last, maxConsecutive } = options;
  assertCount("steps", steps, 1);
  assertCount("first", first, 0);
  assertCount("last", last, 0);
  assertCount("maxConsecutive", maxConsecutive, 0);
  assertBetween("threshold", threshold, 0);
  const limit = maxConsecutive === 0 ? Infinity : maxConsecutive;
  return ruleOf<Memory, SeaCacheSignal, void>(
    { total: 0, consecutive: 0, kept: [] },
    {
      ask({ total, consecutive, kept }, step, { distance }) {
        const isForced =
          step < first ||
          step >= steps - last ||
          consecutive >= limit ||
          distance === null ||
          kept.length === 0;
        const next = isForced ? { compute: true, total: 0 } : accumulate(total, distance, threshold);
        return {
          compute: next.compute,
          weights: next.compute ? [] : taylorWeights(kept, step, { order, differencesFrom: 0 }),
          memory: { total: next.total, consecutive: next.compute ? 0 : consecutive + 1, kept },
        };
      },
      tell: (memory, step) => ({ ...memory, kept: keepNewest(memory.kept, step, order + 1) }),
    },
  );
}
