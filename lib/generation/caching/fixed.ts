/** Policies that decide before the generation starts and look at no measurement. */
import { type CachePolicy, type CacheState, checkTotalSteps, checkWarmup, type Decision } from "./policy.ts";

/** Computes every step: the generation without caching. */
export function computeAll(): CachePolicy {
  return fixedPolicy("off", 0, () => true);
}

/**
 * Computes every `interval`-th step from the first on, the last, and the first `warmup`: with an interval of 3
 * and 8 steps, 1, 4, 7 and 8; with a warm-up of 2, step 2 too.
 *
 * @throws RangeError if `interval` is not an integer >= 1, or `warmup` not one >= 0
 */
export function computeEvery(interval: number, warmup = 0): CachePolicy {
  if (!Number.isSafeInteger(interval) || interval < 1) {
    throw new RangeError(`a static schedule needs a whole interval, 1 or more, got ${interval}`);
  }
  checkWarmup(warmup);
  return fixedPolicy(
    `static:${interval}`,
    warmup,
    (step, totalSteps) => step < warmup || step % interval === 0 || step === totalSteps - 1,
  );
}

function fixedPolicy(
  name: string,
  warmup: number,
  isComputed: (step: number, totalSteps: number) => boolean,
): CachePolicy {
  return {
    name,
    codebook: null,
    motion: null,
    warmup,
    start(totalSteps) {
      checkTotalSteps(totalSteps);
      const shouldCompute = (step: number) => isComputed(step, totalSteps);
      const state = (decision: Decision | null): CacheState => ({
        decision,
        shouldCompute,
        afterComputed: (_step, { change, motionScore }) =>
          state({ change, motionScore, motionFactor: null, distance: null, rate: null }),
      });
      return state(null);
    },
  };
}
