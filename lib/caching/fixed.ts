/** Policies that decide before the generation starts and look at no measurement. */
import { type CachePolicy, type CacheState, checkTotalSteps, type Decision } from "./policy.ts";

/** Computes every step: the generation without caching. */
export function computeAll(): CachePolicy {
  return fixedPolicy("off", () => true);
}

/**
 * Computes every `interval`-th step from the first on, and the last: with an interval of 3 and 8 steps, 1, 4,
 * 7 and 8.
 *
 * @throws RangeError if `interval` is not an integer >= 1
 */
export function computeEvery(interval: number): CachePolicy {
  if (!Number.isSafeInteger(interval) || interval < 1) {
    throw new RangeError(`a static schedule needs a whole interval, 1 or more, got ${interval}`);
  }
  return fixedPolicy(
    `static:${interval}`,
    (step, totalSteps) => step % interval === 0 || step === totalSteps - 1,
  );
}

function fixedPolicy(name: string, isComputed: (step: number, totalSteps: number) => boolean): CachePolicy {
  return {
    name,
    codebook: null,
    motion: null,
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
