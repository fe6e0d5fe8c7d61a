import * as z from "zod";
import { checkPrediction, checkSteps } from "./sampler.ts";

/**
 * What samplers of models that predict noise share: how much of a latent is still signal at each of the timesteps
 * the model was trained with, which of them are visited, and the move from one to another.
 */

const share = z.number().gt(0).lt(1);

/** Fields of `scheduler_config.json`; those left out are diffusers'. */
export const noiseScheduleSchema = z.object({
  num_train_timesteps: z.int().positive().max(100_000).default(1000),
  /** Noise that the first and the last training timestep add. */
  beta_start: share.default(0.0001),
  beta_end: share.default(0.02),
  beta_schedule: z.enum(["linear", "scaled_linear"]).default("linear"),
  timestep_spacing: z.enum(["leading", "trailing"]).default("leading"),
  /** Added to every timestep of leading spacing. */
  steps_offset: z.int().nonnegative().default(0),
  /** Whether the last step removes all noise, or as much as leads to training timestep 0. */
  set_alpha_to_one: z.boolean(),
  prediction_type: z.literal("epsilon").default("epsilon"),
  // Each of these would change the formulas.
  trained_betas: z.null().default(null),
  thresholding: z.literal(false).default(false),
  rescale_betas_zero_snr: z.literal(false).default(false),
});

export type NoiseScheduleConfig = Readonly<z.infer<typeof noiseScheduleSchema>>;

export interface NoiseSchedule {
  /** The timesteps to visit, falling. */
  readonly timesteps: readonly number[];
  /** Training timesteps between two of them, rounded down. */
  readonly stride: number;
  /**
   * Writes to `latent` where `origin`, a latent at timestep `from`, lies at timestep `to` if its noise is `noise`.
   * A `to` below 0 is the end. Origin and latent may be one.
   *
   * @see DDIM (arXiv 2010.02502) eq. 12 with sigma 0
   */
  move(latent: Float32Array, origin: Float32Array, noise: Float32Array, from: number, to: number): void;
}

/** @throws RangeError, in words for a user, if the model was not trained with that many steps */
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
  return {
    timesteps,
    stride: Math.floor(config.num_train_timesteps / steps),
    move(latent, origin, noise, from, to) {
      checkPrediction(latent, noise);
      const [before, after] = [signalAt(from), signalAt(to)];
      const kept = Math.sqrt(after / before);
      const added = Math.sqrt(1 - after) - kept * Math.sqrt(1 - before);
      for (let i = 0; i < latent.length; i++) latent[i] = kept * origin[i]! + added * noise[i]!;
    },
  };
}

/** Squared share of the signal at each training timestep: the running product of 1 - beta. */
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

/** @see "Common Diffusion Noise Schedules and Sample Steps are Flawed" (arXiv 2305.08891) table 2 */
function spaced(steps: number, config: NoiseScheduleConfig): number[] {
  const { num_train_timesteps: trained, timestep_spacing, steps_offset } = config;
  return Array.from({ length: steps }, (_, i) =>
    timestep_spacing === "leading"
      ? (steps - 1 - i) * Math.floor(trained / steps) + steps_offset
      : roundHalfToEven(trained - i * (trained / steps)) - 1,
  );
}

/** As numpy rounds, and Math.round does not. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below === 0.5) return below + (below % 2);
  return Math.round(value);
}
