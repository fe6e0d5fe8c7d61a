import type { ResolvedRequest } from "../../request/index.ts";
import { type Moments, meanMoments, momentsOf } from "./moments.ts";
import { samplingWatch } from "./recording.ts";
import type { WatchedVideos } from "./watched-videos.ts";

/** Limit of the noise levels of a table. */
const LEVELS_MAX = 128;

/**
 * Measures the moments of the residual and of the clean latent over the steps of generations without cache.
 *
 * @param requests of one number of steps
 * @param onGeneration called before each generation
 */
export async function measureMoments(
  videos: WatchedVideos,
  requests: readonly ResolvedRequest[],
  onGeneration: (computedSteps: number) => void = () => {},
): Promise<{ readonly levels: readonly number[]; readonly residual: Moments; readonly clean: Moments }> {
  const measured: { residual: Moments; clean: Moments }[] = [];
  let levels: readonly number[] = [];
  for (const request of requests) {
    onGeneration(request.steps);
    const watch = samplingWatch();
    const { noiseLevels } = await videos.plain(request, watch);
    const kept = descending(noiseLevels);
    levels = kept.map((step) => noiseLevels[step]!);
    const of = (samples: readonly Float32Array[]) => momentsOf(kept.map((step) => samples[step]!));
    measured.push({ residual: of(watch.residual), clean: of(watch.clean) });
  }
  return {
    levels,
    residual: meanMoments(measured.map(({ residual }) => residual)),
    clean: meanMoments(measured.map(({ clean }) => clean)),
  };
}

/**
 * Returns the evaluations at which the noise level falls below all before, at most as many as a table may have. Some
 * samplers evaluate a level twice.
 */
export function descending(levels: readonly number[]): number[] {
  let lowest = Infinity;
  const falls = levels.flatMap((level, index) => {
    const isBelow = level < lowest;
    lowest = Math.min(lowest, level);
    return isBelow ? [index] : [];
  });
  if (falls.length <= LEVELS_MAX) return falls;
  return Array.from(
    { length: LEVELS_MAX },
    (_, i) => falls[Math.round((i * (falls.length - 1)) / (LEVELS_MAX - 1))]!,
  );
}
