/** Facts of a video that samplers depend on. */
export interface SamplingRun {
  /** Denoising steps, 1 to 1000; a sampler may evaluate the model more often. */
  readonly steps: number;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** Number of frames of the latent. */
  readonly latentFrames: number;
  /** Seed of the noise that a sampler adds between steps; 0 by default. */
  readonly seed?: number;
  /** Number of tokens that the transformer makes of the latent. */
  readonly tokens: number;
  /** Noise levels before the shift, one for each step; as the scheduler spaces them by default. */
  readonly shares?: readonly number[];
}

/** Clean latent (x0) that a prediction implies: `latent * (latent before the step) + prediction * (prediction)`. */
export interface CleanEstimate {
  readonly latent: number;
  /** Weight of the prediction, other than 0. */
  readonly prediction: number;
}

/** Step that is linear: `latent * (latent before the step) + prediction * (prediction)` is the latent after it. */
export interface LinearStep {
  readonly latent: number;
  readonly prediction: number;
}

/** Turns noise into a latent by the predictions of a model. */
export interface Sampler {
  /** Timesteps given to the model, one for each evaluation, in order. */
  readonly timesteps: readonly number[];
  /** Share of noise in the latent before each evaluation: 1 for pure noise, 0 for none. */
  readonly noiseLevels: readonly number[];
  /** Clean latent that the prediction of each evaluation implies. */
  readonly clean: readonly CleanEstimate[];
  /**
   * Step of each evaluation, for graphs that take steps themselves. Undefined for a sampler whose steps need earlier
   * predictions too, add noise, or clip. Frames that are given keep their values, whatever their step.
   */
  readonly linear?: readonly LinearStep[];
  /** Starts one generation. State that its steps share is dropped when it ends. */
  start(): SamplerStep;
}

/**
 * Advances the latent, in place, by the prediction of evaluation `evaluation`. Evaluations are passed in
 * order from 0, and each generation has its own `SamplerStep`.
 *
 * @throws RangeError if latent and prediction differ in length
 */
export interface SamplerStep {
  (latent: Float32Array, prediction: Float32Array, evaluation: number): void;
  /** Returns a copy of the state, from which the following evaluations can be tried again. */
  fork(): SamplerStep;
}

/** Returns a step that keeps nothing between evaluations. */
export function statelessStep(
  step: (latent: Float32Array, prediction: Float32Array, evaluation: number) => void,
): SamplerStep {
  const made: SamplerStep = Object.assign(step, { fork: () => made });
  return made;
}

/**
 * Returns the steps of a sampler whose steps are linear.
 *
 * @throws RangeError if they need earlier predictions too, or clip
 */
export function linearSteps({ linear }: Pick<Sampler, "linear">): readonly LinearStep[] {
  if (linear) return linear;
  throw new RangeError("The steps of this sampler are not linear, so they have to be taken one by one.");
}

export const MAX_STEPS = 1000;

/**
 * Checks the number of steps.
 *
 * @throws RangeError, in words for a user
 */
export function checkSteps(steps: number): void {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MAX_STEPS) {
    throw new RangeError(`steps must be a whole number from 1 to ${MAX_STEPS}, got ${steps}`);
  }
}

/**
 * Checks that latent and prediction have the same number of values.
 *
 * @throws RangeError if they differ
 */
export function checkPrediction(latent: Float32Array, prediction: Float32Array): void {
  if (latent.length !== prediction.length) {
    throw new RangeError(`the latent has ${latent.length} values and the prediction ${prediction.length}`);
  }
}
