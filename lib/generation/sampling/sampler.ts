/** What a sampler has to know of a video. */
export interface SamplingRun {
  /** Denoising steps, 1 to 1000; a sampler may evaluate the model more often. */
  readonly steps: number;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** Frames of the latent. */
  readonly latentFrames: number;
}

/** Leads from noise to a latent by what a model predicts on the way. */
export interface Sampler {
  /** What the model is given, one timestep for each of its evaluations, in order. */
  readonly timesteps: readonly number[];
  /** Begins one generation: whatever its steps remember of each other goes when it ends. */
  start(): SamplerStep;
}

/**
 * Steps the latent, in place, by the prediction of evaluation `evaluation`. Evaluations come in order from 0 on,
 * and no two generations share them.
 *
 * @throws RangeError if latent and prediction differ in length
 */
export type SamplerStep = (latent: Float32Array, prediction: Float32Array, evaluation: number) => void;

export const MAX_STEPS = 1000;

/** @throws RangeError, in words for a user */
export function checkSteps(steps: number): void {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MAX_STEPS) {
    throw new RangeError(`steps must be a whole number from 1 to ${MAX_STEPS}, got ${steps}`);
  }
}

/** @throws RangeError if the two differ in length */
export function checkPrediction(latent: Float32Array, prediction: Float32Array): void {
  if (latent.length !== prediction.length) {
    throw new RangeError(
      `a latent of ${latent.length} values cannot follow a prediction of ${prediction.length}`,
    );
  }
}
