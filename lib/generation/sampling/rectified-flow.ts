import * as z from "zod";
import { checkPrediction, checkSteps, type Sampler, type SamplingRun } from "./sampler.ts";

/** Rectified flow: the model predicts the velocity from noise to latent, and Euler steps follow it. */

/** The fields of `scheduler/scheduler_config.json`; those left out are Open-Sora 1.2's. */
export const rectifiedFlowSchema = z.object({
  /** The timestep of pure noise. */
  num_train_timesteps: z.number().positive().default(1000),
  use_timestep_transform: z.boolean().default(true),
  /** Pixels (height * width) of a video whose timesteps are not shifted. */
  base_resolution: z
    .number()
    .positive()
    .default(512 * 512),
  /** Latent frames of such a video. */
  base_num_frames: z.number().positive().default(1),
  /** Further factor of the shift. Open-Sora applies it when training only; here it shifts sampling as well. */
  transform_scale: z.number().positive().default(1),
});

export type RectifiedFlowConfig = Readonly<z.infer<typeof rectifiedFlowSchema>>;

/** Open-Sora 1.2. */
export const OPEN_SORA_FLOW: RectifiedFlowConfig = rectifiedFlowSchema.parse({});

/** Straight steps along a velocity, one for each evaluation. */
export interface EulerSampler extends Sampler {
  /** How far each step goes along the velocity. */
  readonly deltas: readonly number[];
}

/**
 * Timesteps from `num_train_timesteps` down and Euler deltas that add up to 1, denser near the noise the larger
 * the video is.
 *
 * @throws RangeError, in words for a user, if the steps or the size are out of range
 * @see Open-Sora v1.2 `RFLOW.sample` and `timestep_transform`; for the shift, Esser et al. (arXiv 2403.03206)
 */
export function rectifiedFlow({
  steps,
  height,
  width,
  latentFrames,
  config,
}: SamplingRun & { readonly config: RectifiedFlowConfig }): EulerSampler {
  checkSteps(steps);
  for (const [name, size] of Object.entries({ height, width, latentFrames })) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`${name} must be a whole number, 1 or more, got ${size}`);
    }
  }

  const space = Math.sqrt((height * width) / config.base_resolution);
  const time = Math.sqrt(latentFrames / config.base_num_frames);
  const ratio = config.use_timestep_transform ? space * time * config.transform_scale : 1;

  // The share of noise, 1 at the start; the shift keeps both ends where they are.
  const noise = Array.from({ length: steps + 1 }, (_, index) => {
    const share = 1 - index / steps;
    return share / (share + (1 - share) / ratio);
  });
  return eulerSampler(
    noise.slice(0, steps).map((share) => share * config.num_train_timesteps),
    noise.slice(0, steps).map((share, index) => share - noise[index + 1]!),
  );
}

/** The sampler that goes `deltas[i]` along the velocity of evaluation i. */
export function eulerSampler(timesteps: readonly number[], deltas: readonly number[]): EulerSampler {
  return {
    timesteps,
    deltas,
    start: () => (latent, velocity, evaluation) => eulerStep(latent, velocity, deltas[evaluation]!),
  };
}

/** `latent += velocity * delta`, in place. */
function eulerStep(latent: Float32Array, velocity: Float32Array, delta: number): void {
  checkPrediction(latent, velocity);
  for (let index = 0; index < latent.length; index++) {
    latent[index] = latent[index]! + velocity[index]! * delta;
  }
}
