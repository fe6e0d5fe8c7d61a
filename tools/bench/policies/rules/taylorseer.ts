/**
 * TaylorSeer at fixed intervals (arXiv 2503.06923): computes every N-th step, and forecasts the others with a Taylor
 * ladder over step indices.
 *
 * Two forms exist. The authors' (Shenyi-Z/TaylorSeer 288776d, `cal_type`) counts the interval from the last computed
 * step. diffusers 0.42.1 (`hooks/taylorseer_cache.py`) computes the steps `first + 1`, `first + 1 + N` and so on, so
 * that one step after the first ones is forecast and the next is computed.
 *
 * Facts met in the public code:
 * - The authors' default for Wan and HunyuanVideo computes one first step, so steps 1 to 4 reuse step 0, without any
 *   slope (wan/taylorseer/cache_functions/cache_init.py).
 * - The last step is not forced in either form (`cal_type`, `_measure_should_compute`).
 * - Diffusers keeps the differences in bfloat16 by default (taylorseer_cache.py, `taylor_factors_dtype`).
 * - Diffusers says that steps after `disable_cache_after_step` update nothing; they do (taylorseer_cache.py,
 *   `new_forward`).
 * - The public code keeps a ladder for each attention; the lite mode, and this rule, for the last output alone
 *   (`use_lite_mode`).
 */
import { assertCount, keepNewest, type Rule, ruleOf } from "./rule.ts";
import { taylorWeights } from "./taylor.ts";

export interface TaylorSeerOptions {
  /** Steps from one computed step to the next, at least 1. */
  readonly interval: number;
  /** Number of first steps that are computed. */
  readonly first: number;
  /** Highest order of the ladder. */
  readonly order: number;
  readonly form: "authors" | "diffusers";
}

/** Defaults of the authors for Wan 2.1 and HunyuanVideo. */
export const TAYLORSEER_WAN = { interval: 5, first: 1, order: 1, form: "authors" } as const;
/** Defaults of the authors for FLUX: the interval is 6, and three first steps are computed. */
export const TAYLORSEER_FLUX = { interval: 6, first: 3, order: 1, form: "authors" } as const;
/** Defaults of diffusers 0.42.1 (`TaylorSeerCacheConfig`). */
export const TAYLORSEER_DIFFUSERS = { interval: 5, first: 3, order: 1, form: "diffusers" } as const;

/** Starts TaylorSeer. Its weights are those of the last order + 1 computed values. */
export function taylorSeer({ interval, first, order, form }: TaylorSeerOptions): Rule<void> {
  assertCount("interval", interval, 1);
  assertCount("first", first, form === "authors" ? 1 : 0);
  assertCount("order", order, 0);
  const ladder = { order, differencesFrom: form === "authors" ? first - 1 : 0 };
  return ruleOf<readonly number[], void, void>([], {
    ask(kept, step) {
      const newest = kept[0];
      const isDue =
        form === "authors" ? step - (newest ?? step) >= interval : (step - first - 1) % interval === 0;
      const compute = step < first || newest === undefined || isDue;
      return { compute, weights: compute ? [] : taylorWeights(kept, step, ladder), memory: kept };
    },
    tell: (kept, step) => keepNewest(kept, step, order + 1),
  });
}
