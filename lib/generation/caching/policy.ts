/** What a caching policy is: the only thing a denoising loop has to know about caching. */
import type { Codebook } from "./codebook.ts";
import type { MotionRegularisation } from "./motion.ts";

/** What one computed denoising step tells the host: two numbers, whatever the model. */
export interface Measurement {
  /**
   * Relative L1 change of the probe since the last computed step; null on the first, which has none before
   * it.
   */
  readonly change: number | null;
  /** Difference of the probe between neighbouring frames, 0 to 1; null with a single frame. */
  readonly motionScore: number | null;
}

/**
 * How a policy read one measurement. Null stands for what was not measured or what the policy does not use.
 */
export interface Decision extends Measurement {
  /** Motion weight plus its gradient, >= 0; multiplies the distance. */
  readonly motionFactor: number | null;
  /** The value compared with the codebook. */
  readonly distance: number | null;
  /** Denoising steps to the next computed one, an integer >= 1: the codebook's answer, or 1 in a warm-up. */
  readonly rate: number | null;
}

/**
 * The schedule of one generation so far. Immutable: `afterComputed` returns the next state and changes
 * nothing, so a generation that is cancelled, repeated or interleaved with another leaves no trace in it.
 */
export interface CacheState {
  /** What the last computed step decided; null before the first. */
  readonly decision: Decision | null;
  /** @param denoisingStep 0-based index */
  shouldCompute(denoisingStep: number): boolean;
  /** The state after `denoisingStep` (0-based) was computed and measured. */
  afterComputed(denoisingStep: number, measurement: Measurement): CacheState;
}

/**
 * Chooses which denoising steps are computed and which reuse the residual of the last computed one.
 *
 * ```ts
 * let cache = policy.start(steps);
 * for (let step = 0; step < steps; step++) {
 *   const computed = cache.shouldCompute(step);
 *   if (computed) cache = cache.afterComputed(step, await compute(step));
 *   else await reuse(step);
 *   schedule.push(traceStep(step, computed ? cache.decision : null));
 * }
 * ```
 */
export interface CachePolicy {
  readonly name: string;
  /** Null for policies that look nothing up. */
  readonly codebook: Codebook | null;
  /** Null without motion regularisation. */
  readonly motion: MotionRegularisation | null;
  /** Denoising steps at the start that are computed whatever the policy would choose. */
  readonly warmup: number;
  /**
   * A fresh state for one generation.
   *
   * @throws RangeError if `totalSteps` is not an integer >= 1
   */
  start(totalSteps: number): CacheState;
}

/** @throws RangeError if `totalSteps` cannot be the length of a schedule */
export function checkTotalSteps(totalSteps: number): void {
  if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`a schedule needs a whole number of denoising steps, 1 or more, got ${totalSteps}`);
  }
}

/** @throws RangeError if `warmup` cannot be a number of steps */
export function checkWarmup(warmup: number): void {
  if (!Number.isSafeInteger(warmup) || warmup < 0) {
    throw new RangeError(`a warm-up needs a whole number of denoising steps, 0 or more, got ${warmup}`);
  }
}
