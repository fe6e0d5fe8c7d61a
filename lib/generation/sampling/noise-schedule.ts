import * as z from "zod";
import { type CleanEstimate, checkPrediction, checkSteps, type LinearStep } from "./sampler.ts";

/**
 * Noise schedule shared by the samplers of models that predict noise: the signal level at each training
 * timestep, the timesteps to visit, and the move between two of them.
 */

const share = z.number().gt(0).lt(1);

/** Fields of `scheduler_config.json`. Defaults are those of diffusers. */
export const noiseScheduleSchema = z.object({
  num_train_timesteps: z.int().positive().max(100_000).default(1000),
  /** Variance of the noise added at the first training timestep; `beta_end` is that of the last. */
  beta_start: share.default(0.0001),
  beta_end: share.default(0.02),
  beta_schedule: z.enum(["linear", "scaled_linear"]).default("linear"),
  timestep_spacing: z.enum(["leading", "trailing"]).default("leading"),
  /** Offset added to every timestep if the spacing is leading. */
  steps_offset: z.int().nonnegative().default(0),
  /** True if the last step removes all noise; false if it ends at the noise level of training timestep 0. */
  set_alpha_to_one: z.boolean(),
  prediction_type: z.literal("epsilon").default("epsilon"),
  // Other values would change the formulas.
  trained_betas: z.null().default(null),
  thresholding: z.literal(false).default(false),
  rescale_betas_zero_snr: z.literal(false).default(false),
});

export type NoiseScheduleConfig = Readonly<z.infer<typeof noiseScheduleSchema>>;

export interface NoiseSchedule {
  /** Timesteps to visit, descending. */
  readonly timesteps: readonly number[];
  /** Number of training timesteps between two visited ones, rounded down. */
  readonly stride: number;
  /**
   * Returns the step from timestep `from` to timestep `to`; a `to` below 0 is the end.
   *
   * @see DDIM (arXiv 2010.02502) eq. 12 with sigma 0
   */
  step(from: number, to: number): LinearStep;
  /**
   * Moves `origin`, a latent at timestep `from` whose noise is `noise`, to timestep `to`, and writes it to
   * `latent`. `origin` and `latent` may be the same array.
   */
  move(latent: Float32Array, origin: Float32Array, noise: Float32Array, from: number, to: number): void;
  /** Moves a latent like `move`, in place, with the clean latent that it implies clipped to -range..range. */
  moveClipped(latent: Float32Array, noise: Float32Array, move: ClippedMove): void;
  /** Returns the share of noise at a timestep: that of a flow between latent and noise with the same ratio of both. */
  noiseLevelAt(timestep: number): number;
  /** Returns how the noise predicted at a timestep implies the clean latent. */
  cleanAt(timestep: number): CleanEstimate;
}

export interface ClippedMove {
  readonly from: number;
  readonly to: number;
  readonly range: number;
}

/**
 * Computes the schedule of `steps` steps.
 *
 * @throws RangeError, in words for a user, if the model was not trained with that many steps
 */
export function noiseSchedule(steps: number, config: NoiseScheduleConfig): NoiseSchedule {
  checkSteps(steps);
  const timesteps = spaced(steps, config);
  if (steps > config.num_train_timesteps || timesteps[0]! >= config.num_train_timesteps) {
    const trained = config.num_train_timesteps;
    throw new RangeError(`steps must be fewer: this model was trained with ${trained}, got ${steps}`);
  }
  const signal = signalShares(config);
  const end = config.set_alpha_to_one ? 1 : signal[0]!;
  const signalAt = (timestep: number) => (timestep < 0 ? end : signal[timestep]!);
  const parts = (timestep: number) =>
    [Math.sqrt(signalAt(timestep)), Math.sqrt(1 - signalAt(timestep))] as const;
  const step = (from: number, to: number) => {
    const [before, after] = [signalAt(from), signalAt(to)];
    const kept = Math.sqrt(after / before);
    return { latent: kept, prediction: Math.sqrt(1 - after) - kept * Math.sqrt(1 - before) };
  };
  return {
    timesteps,
    stride: Math.floor(config.num_train_timesteps / steps),
    step,
    move(latent, origin, noise, from, to) {
      checkPrediction(latent, noise);
      const { latent: kept, prediction: added } = step(from, to);
      for (let i = 0; i < latent.length; i++) latent[i] = kept * origin[i]! + added * noise[i]!;
    },
    moveClipped(latent, noise, { from, to, range }) {
      checkPrediction(latent, noise);
      const [signalBefore, noiseBefore] = parts(from);
      const [signalAfter, noiseAfter] = parts(to);
      for (let i = 0; i < latent.length; i++) {
        const clean = (latent[i]! - noiseBefore * noise[i]!) / signalBefore;
        latent[i] = signalAfter * Math.min(range, Math.max(-range, clean)) + noiseAfter * noise[i]!;
      }
    },
    noiseLevelAt(timestep) {
      const [signalPart, noisePart] = parts(timestep);
      return noisePart / (signalPart + noisePart);
    },
    cleanAt(timestep) {
      const [signalPart, noisePart] = parts(timestep);
      return { latent: 1 / signalPart, prediction: -noisePart / signalPart };
    },
  };
}

/** Returns the squared signal level at each training timestep: the cumulative product of 1 - beta. */
function signalShares(config: NoiseScheduleConfig): Float64Array {
  const { num_train_timesteps: count, beta_start, beta_end, beta_schedule } = config;
  const isLinear = beta_schedule === "linear";
  const [first, last] = isLinear ? [beta_start, beta_end] : [Math.sqrt(beta_start), Math.sqrt(beta_end)];
  const shares = new Float64Array(count);
  let product = 1;
  for (let i = 0; i < count; i++) {
    const between = first + (last - first) * (count > 1 ? i / (count - 1) : 0);
    product *= 1 - (isLinear ? between : between ** 2);
    shares[i] = product;
  }
  return shares;
}

/**
 * Spaces `steps` timesteps over those of training, descending.
 *
 * @see "Common Diffusion Noise Schedules and Sample Steps are Flawed" (arXiv 2305.08891) table 2
 */
function spaced(steps: number, config: NoiseScheduleConfig): number[] {
  const { num_train_timesteps: trained, timestep_spacing, steps_offset } = config;
  return Array.from({ length: steps }, (_, i) =>
    timestep_spacing === "leading"
      ? (steps - 1 - i) * Math.floor(trained / steps) + steps_offset
      : roundHalfToEven(trained - i * (trained / steps)) - 1,
  );
}

/** Rounds like numpy, where Math.round rounds halves up. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below === 0.5) return below + (below % 2);
  return Math.round(value);
}
