import { cutNames } from "../../../../lib/generation/models/index.ts";
import type { Tensor } from "../../../../lib/generation/onnx/index.ts";
import type { DenoisingSessions } from "../../../../lib/generation/pipeline/denoiser.ts";
import type { WatchedVideos } from "../../../../lib/generation/pipeline/table/watched-videos.ts";
import { eulerSampler } from "../../../../lib/generation/sampling/index.ts";

/** Slope of the velocity over the latent at a step. */
export const SLOPES = (step: number) => 3 - step / 5;

const ELEMENTS = 64;
const floats = (data: Float32Array): Tensor => ({ dtype: "float32", shape: [ELEMENTS], data });
const floatsOf = (tensor: Tensor | undefined) => tensor!.data as Float32Array;

/**
 * Makes videos of a model whose velocity is the latent times a slope, by Euler steps of equal length. Its residual is
 * the velocity itself, so that reuse takes that of another step.
 *
 * @param boundary first step of a second transformer
 */
export function linearVideos(steps: number, { boundary = steps }: { boundary?: number } = {}) {
  /** Steps that each video computed. */
  const computed: number[] = [];
  const owners = new WeakMap<Tensor, number>();
  let strangers = 0;
  const levels = Array.from({ length: steps }, (_, step) => 1 - step / steps);
  const deltas = levels.map(() => 1 / steps);
  const sampler = eulerSampler({ trainTimesteps: 1000, noiseLevels: levels, deltas });

  function sessionsOf(transformer: number, stepNow: () => number): DenoisingSessions {
    const session = { inputs: [], release: async () => {} };
    return {
      signals: new Set(),
      full: {
        ...session,
        async run(feeds) {
          computed[computed.length - 1]! += 1;
          const velocity = floatsOf(feeds[cutNames.latent]).map((value) => value * SLOPES(stepNow()));
          const residual = floats(velocity.slice());
          owners.set(residual, transformer);
          return { [cutNames.prediction]: floats(velocity), [cutNames.residual]: residual };
        },
      },
      reuse: {
        ...session,
        async run(feeds) {
          const residual = feeds[cutNames.residual]!;
          if (owners.get(residual) !== transformer) strangers += 1;
          return { [cutNames.prediction]: floats(floatsOf(residual).slice()) };
        },
      },
    };
  }

  const videos: WatchedVideos = {
    async plain(_request, watch) {
      computed.push(0);
      let step = 0;
      const transformers = [sessionsOf(0, () => step), sessionsOf(1, () => step)];
      const latent = Float32Array.from({ length: ELEMENTS }, (_, i) => 1 + Math.sin(i));
      const take = sampler.start();
      for (; step < steps; step++) {
        const sessions = transformers[step < boundary ? 0 : 1]!;
        const out = await watch!.computed(step, { [cutNames.latent]: floats(latent) }, { sessions, sampler });
        take(latent, floatsOf(out[cutNames.prediction]), step);
      }
      return { latent, noiseLevels: levels } as never;
    },
    cached: () => Promise.reject(new Error("a linear model has no cache")),
    close: async () => {},
  };
  return {
    ...videos,
    computed,
    /** Reuses of a residual of the other transformer. */
    get strangers() {
      return strangers;
    },
  };
}
