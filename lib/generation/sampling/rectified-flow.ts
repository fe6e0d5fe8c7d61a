import * as z from "zod";
import { checkPrediction, checkSteps, type Sampler, type SamplingRun, statelessStep } from "./sampler.ts";

/** Rectified flow: the model predicts the velocity from noise to latent, and Euler steps follow it. */

/** Fields of `scheduler/scheduler_config.json`. Defaults are those of Open-Sora 1.2. */
export const rectifiedFlowSchema = z.object({
  /** Timestep of pure noise. */
  num_train_timesteps: z.number().positive().default(1000),
  use_timestep_transform: z.boolean().default(true),
  /** Pixels (height * width) of a video whose timesteps are not shifted. */
  base_resolution: z
    .number()
    .positive()
    .default(512 * 512),
  /** Latent frames of a video whose timesteps are not shifted. */
  base_num_frames: z.number().positive().default(1),
  /** Additional factor of the shift. Open-Sora applies it in training only; here it shifts sampling too. */
  transform_scale: z.number().positive().default(1),
});

export type RectifiedFlowConfig = Readonly<z.infer<typeof rectifiedFlowSchema>>;

/** Configuration of Open-Sora 1.2. */
export const OPEN_SORA_FLOW: RectifiedFlowConfig = rectifiedFlowSchema.parse({});

/** Sampler that takes one straight step along the predicted velocity for each evaluation. */
export interface EulerSampler extends Sampler {
  /** Length of each step along the velocity. */
  readonly deltas: readonly number[];
}

/**
 * Sampler whose timesteps descend from `num_train_timesteps`, with Euler deltas that add up to 1. The larger
 * the video, the more steps are spent at high noise.
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
}: Omit<SamplingRun, "tokens"> & { readonly config: RectifiedFlowConfig }): EulerSampler {
  checkSteps(steps);
  for (const [name, size] of Object.entries({ height, width, latentFrames })) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`${name} must be a whole number, 1 or more, got ${size}`);
    }
  }

  const space = Math.sqrt((height * width) / config.base_resolution);
  const time = Math.sqrt(latentFrames / config.base_num_frames);
  const ratio = config.use_timestep_transform ? space * time * config.transform_scale : 1;

  // Noise level, 1 at the start. The shift keeps both ends.
  const noise = Array.from({ length: steps + 1 }, (_, index) => {
    const share = 1 - index / steps;
    return share / (share + (1 - share) / ratio);
  });
  return eulerSampler({
    trainTimesteps: config.num_train_timesteps,
    noiseLevels: noise.slice(0, steps),
    deltas: noise.slice(0, steps).map((share, index) => share - noise[index + 1]!),
  });
}

/**
 * Sampler that moves the latent by `deltas[i]` times the velocity of evaluation i. The velocity points to the clean
 * latent where the deltas are positive, and to noise where they are negative.
 */
export function eulerSampler({
  trainTimesteps,
  noiseLevels,
  deltas,
}: {
  readonly trainTimesteps: number;
  readonly noiseLevels: readonly number[];
  readonly deltas: readonly number[];
}): EulerSampler {
  return {
    timesteps: noiseLevels.map((level) => level * trainTimesteps),
    noiseLevels,
    clean: noiseLevels.map((level, i) => ({ latent: 1, prediction: Math.sign(deltas[i]!) * level })),
    linear: deltas.map((delta) => ({ latent: 1, prediction: delta })),
    deltas,
    start: () =>
      statelessStep((latent, velocity, evaluation) => eulerStep(latent, velocity, deltas[evaluation]!)),
  };
}

/** Adds `velocity * delta` to `latent`, in place. */
function eulerStep(latent: Float32Array, velocity: Float32Array, delta: number): void {
  checkPrediction(latent, velocity);
  for (let index = 0; index < latent.length; index++) {
    latent[index] = latent[index]! + velocity[index]! * delta;
  }
}
