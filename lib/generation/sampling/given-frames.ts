import { gaussianNoise } from "./noise.ts";
import type { Sampler, SamplerStep } from "./sampler.ts";

/** Frames at the beginning of a latent [C, F, H, W] that are given. */
interface GivenFrames {
  readonly channels: number;
  readonly frames: number;
  readonly given: number;
}

/**
 * Wraps a sampler so that the first `given` frames of a latent [C, F, H, W] keep their values: they are free
 * of noise, and no step changes them.
 *
 * @see Open-Sora v1.2 `RFLOW.sample` with a mask of 0 for given frames and 1 for the others
 */
export function withGivenFrames(sampler: Sampler, shape: GivenFrames): Sampler {
  return { ...sampler, start: () => keepingFrames(sampler.start(), shape) };
}

function keepingFrames(step: SamplerStep, shape: GivenFrames): SamplerStep {
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

/** First of the streams of a seed from which the noise on given frames is drawn, one for each evaluation. */
const GIVEN_STREAM = 2 ** 31;

/**
 * Adds noise to the given frames of `latent`, in place, and wraps a sampler so that they have other noise before every
 * further evaluation: `scale` times the square of the noise level. After the last step they keep the noise that they
 * had before it.
 *
 * @param latent [C, F, H, W], whose given frames are free of noise
 * @param shape.seed seed of the noise, which is the same on every machine
 * @see diffusers 0.42.1, `image_cond_noise_scale` of LTXConditionPipeline
 */
export function withNoisyFrames(
  { linear: _, ...sampler }: Sampler,
  latent: Float32Array,
  { channels, frames, given, scale, seed }: GivenFrames & { readonly scale: number; readonly seed: number },
): Sampler {
  const perChannel = latent.length / channels;
  const count = (perChannel / frames) * given;
  const clean = Array.from({ length: channels }, (_, channel) =>
    latent.slice(channel * perChannel, channel * perChannel + count),
  );
  write(latent, 0);
  return { ...sampler, start: () => noisy(sampler.start()) };

  function noisy(step: SamplerStep): SamplerStep {
    const run = (latent: Float32Array, prediction: Float32Array, evaluation: number) => {
      step(latent, prediction, evaluation);
      write(latent, Math.min(evaluation + 1, sampler.noiseLevels.length - 1));
    };
    return Object.assign(run, { fork: () => noisy(step.fork()) });
  }

  function write(latent: Float32Array, evaluation: number): void {
    const noise = gaussianNoise(seed, channels * count, GIVEN_STREAM + evaluation); // [C, given, H, W]
    const share = scale * sampler.noiseLevels[evaluation]! ** 2;
    for (const [channel, values] of clean.entries()) {
      for (let i = 0; i < count; i++)
        latent[channel * perChannel + i] = values[i]! + share * noise[channel * count + i]!;
    }
  }
}
