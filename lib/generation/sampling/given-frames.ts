import type { Sampler, SamplerStep } from "./sampler.ts";

/**
 * Wraps a sampler so that the first `given` frames of a latent [C, F, H, W] keep their values: they are free
 * of noise, and no step changes them.
 *
 * @see Open-Sora v1.2 `RFLOW.sample` with a mask of 0 for given frames and 1 for the others
 */
export function withGivenFrames(
  sampler: Sampler,
  { channels, frames, given }: { channels: number; frames: number; given: number },
): Sampler {
  return {
    ...sampler,
    start: () => keepingFrames(sampler.start(), { channels, frames, given }),
  };
}

function keepingFrames(
  step: SamplerStep,
  shape: { channels: number; frames: number; given: number },
): SamplerStep {
  const { channels, frames, given } = shape;
  const run = (latent: Float32Array, prediction: Float32Array, evaluation: number) => {
    const perChannel = latent.length / channels;
    const kept = Array.from({ length: channels }, (_, channel) => {
      const start = channel * perChannel;
      return { start, values: latent.slice(start, start + (perChannel / frames) * given) };
    });
    step(latent, prediction, evaluation);
    for (const { start, values } of kept) latent.set(values, start);
  };
  return Object.assign(run, { fork: () => keepingFrames(step.fork(), shape) });
}
