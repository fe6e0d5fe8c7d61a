/** Rectified flow: the model predicts the velocity from noise to latent, and Euler steps follow it. */

/** The fields of `scheduler/scheduler_config.json`. */
export interface RectifiedFlowConfig {
  /** The timestep of pure noise: 1000. */
  readonly num_train_timesteps: number;
  readonly use_timestep_transform: boolean;
  /** Pixels (height * width) of a video whose timesteps are not shifted: 512 * 512. */
  readonly base_resolution: number;
  /** Latent frames of such a video: 1. */
  readonly base_num_frames: number;
  /**
   * Further factor of the shift: 1. Open-Sora applies it when training only; here it shifts sampling as well.
   */
  readonly transform_scale: number;
}

/** Open-Sora 1.2. */
export const OPEN_SORA_FLOW: RectifiedFlowConfig = {
  num_train_timesteps: 1000,
  use_timestep_transform: true,
  base_resolution: 512 * 512,
  base_num_frames: 1,
  transform_scale: 1,
};

export interface RectifiedFlowOptions {
  /** Denoising steps, 1 to 1000. */
  readonly steps: number;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /**
   * Frames of the latent. Open-Sora's own code works them out for its own VAE, 1 for an image and else
   * frames // 17 * 5; a caller here has the latent's shape.
   */
  readonly latentFrames: number;
  readonly config: RectifiedFlowConfig;
}

/** One entry per denoising step. */
export interface FlowTable {
  /** What the model is given: falling from `num_train_timesteps`, above 0. */
  readonly timesteps: readonly number[];
  /** How far an Euler step goes along the velocity; they add up to 1. */
  readonly deltas: readonly number[];
}

export const MAX_STEPS = 1000;

/**
 * Timesteps and Euler deltas, denser near the noise the larger the video is.
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
}: RectifiedFlowOptions): FlowTable {
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MAX_STEPS) {
    throw new RangeError(`steps must be a whole number from 1 to ${MAX_STEPS}, got ${steps}`);
  }
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
  return {
    timesteps: noise.slice(0, steps).map((share) => share * config.num_train_timesteps),
    deltas: noise.slice(0, steps).map((share, index) => share - noise[index + 1]!),
  };
}

/**
 * One Euler step, `latent += velocity * delta`, in place: the latent belongs to the loop that steps it.
 *
 * @throws RangeError if the two differ in length
 */
export function eulerStep(latent: Float32Array, velocity: Float32Array, delta: number): void {
  if (latent.length !== velocity.length) {
    throw new RangeError(
      `a latent of ${latent.length} values cannot follow a velocity of ${velocity.length}`,
    );
  }
  for (let index = 0; index < latent.length; index++) {
    latent[index] = latent[index]! + velocity[index]! * delta;
  }
}
