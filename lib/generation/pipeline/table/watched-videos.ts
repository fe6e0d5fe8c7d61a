import type { CachePolicy } from "../../caching/index.ts";
import type { Tensor } from "../../onnx/index.ts";
import { type ResolvedRequest, withoutCache } from "../../request/index.ts";
import type { Sampler } from "../../sampling/index.ts";
import type { DenoisingSessions } from "../denoiser.ts";
import type { Generation } from "../generation.ts";
import type { PipelineOptions } from "../model/parts.ts";
import type { Observer } from "../observer.ts";
import { openPipeline } from "../pipeline.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Takes the place of the full graph at every computed step of a generation. Each generation has its own. */
export interface Watch {
  /**
   * Returns what the full graph gives at a step.
   *
   * @param at sessions of the step's transformer, the same object at all of its steps, and the generation's sampler
   */
  computed(
    step: number,
    feeds: Tensors,
    at: { readonly sessions: DenoisingSessions; readonly sampler: Sampler },
  ): Promise<Record<string, Tensor>>;
}

/** Model that makes videos for a measurement, one after another. */
export interface WatchedVideos {
  /** Makes a video without cache. */
  plain(request: ResolvedRequest, watch?: Watch): Promise<WatchedVideo>;
  /** Makes a video with a policy in place of that of the request. */
  cached(request: ResolvedRequest, policy: CachePolicy): Promise<Generation>;
  close(): Promise<void>;
}

export interface WatchedVideo extends Generation {
  readonly noiseLevels: readonly number[];
}

/**
 * Opens a model for a measurement.
 *
 * @throws the errors of `openPipeline`
 */
export async function openWatchedVideos(
  folder: string,
  options?: PipelineOptions,
  decoded?: Observer["decoded"],
): Promise<WatchedVideos> {
  let through: Observer["through"] = (sessions) => sessions;
  let policy: CachePolicy | null = null;
  const pipeline = await openPipeline(folder, options, {
    signals: [],
    through: (sessions, of) => through(sessions, of),
    policy: () => policy,
    ...(decoded && { decoded }),
  });
  return {
    async plain(request, watch) {
      let noiseLevels: readonly number[] = [];
      const watched = watch && watchedBy(watch);
      policy = null;
      through = (sessions, of) => {
        noiseLevels = of.sampler.noiseLevels;
        return watched?.(sessions, of) ?? sessions;
      };
      return { ...(await pipeline.generate(withoutCache(request))), noiseLevels };
    },
    async cached(request, chosen) {
      policy = chosen;
      through = (sessions) => sessions;
      return pipeline.generate(request);
    },
    close: () => pipeline.close(),
  };
}

/** Returns what wraps the sessions of one generation. Steps are counted over all of its transformers. */
function watchedBy(watch: Watch): Observer["through"] {
  let step = 0;
  return (sessions, { sampler }) => ({
    ...sessions,
    full: { ...sessions.full, run: (feeds) => watch.computed(step++, feeds, { sessions, sampler }) },
  });
}
