import type { Sampler } from "./sampler.ts";

/**
 * The sampler of a latent [C, F, H, W] whose first frames are given: they take no part in any step and stay as they
 * are, free of noise.
 *
 * @see Open-Sora v1.2 `RFLOW.sample` with a mask of 0 for given frames and 1 for the others
 */
export function withGivenFrames(
  sampler: Sampler,
  { channels, frames, given }: { channels: number; frames: number; given: number },
): Sampler {
  return {
    timesteps: sampler.timesteps,
    start() {
      const step = sampler.start();
      return (latent, prediction, evaluation) => {
        const perChannel = latent.length / channels;
        const kept = Array.from({ length: channels }, (_, channel) => {
          const start = channel * perChannel;
          return { start, values: latent.slice(start, start + (perChannel / frames) * given) };
        });
        step(latent, prediction, evaluation);
        for (const { start, values } of kept) latent.set(values, start);
      };
    },
  };
}
