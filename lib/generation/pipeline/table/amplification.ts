/** Measures what becomes of a change of the latent until the end of a generation. */
import type { ResolvedRequest } from "../../request/index.ts";
import { branchWatch, trunkWatch } from "./recording.ts";
import type { WatchedVideos } from "./watched-videos.ts";

/** Number of steps at which changes are tried, about. */
const TRIED = 13;

/** Steps are tried more densely at the start, where amplification changes most. */
const DENSITY = 1.5;

/** Amplification of a change of the latent after the step of a noise level. */
export interface Amplification {
  readonly level: number;
  /** Size of the change of the final latent over that after the step: a high mean over generations. */
  readonly amplification: number;
}

/**
 * Returns the indices of the steps after which a change is tried. The first step is none of them, because it has no
 * residual to reuse; nor is the last, because the latent after it is the final one.
 */
export function triedSteps(steps: number): number[] {
  const indices = Array.from({ length: TRIED }, (_, i) =>
    Math.round((steps - 1) * (i / (TRIED - 1)) ** DENSITY),
  );
  return [...new Set(indices)].filter((step) => step > 0 && step < steps - 1);
}

/**
 * Measures amplifications with the changes that reuse makes: at one step of a generation, the residual of two steps
 * before takes the place of its own, and all others are computed.
 *
 * @param onGeneration called before each generation with the number of steps that it computes
 * @returns by descending noise level; the last is that of the last step, after which nothing is amplified
 */
export async function measureAmplification(
  videos: WatchedVideos,
  requests: readonly ResolvedRequest[],
  onGeneration: (computedSteps: number) => void = () => {},
): Promise<Amplification[]> {
  const ratios = new Map<number, number[]>();
  let levels: readonly number[] = [];
  for (const request of requests) {
    onGeneration(request.steps);
    const trunk = trunkWatch(triedSteps(request.steps));
    const { latent, noiseLevels } = await videos.plain(request, trunk);
    levels = noiseLevels;
    for (const step of trunk.reused.keys()) {
      onGeneration(request.steps - step);
      const branch = branchWatch(trunk, step);
      const changed = await videos.plain(request, branch);
      const after = distance(branch.after!, trunk.latents.get(step)!);
      // A model that does not look at its residual changes nothing.
      if (after > 0)
        ratios.set(step, [...(ratios.get(step) ?? []), distance(changed.latent, latent) / after]);
    }
  }
  const measured = [...ratios].map(([step, list]) => ({
    level: levels[step]!,
    amplification: highMean(list),
  }));
  return [...measured, { level: levels.at(-1)!, amplification: 1 }].toSorted((a, b) => b.level - a.level);
}

/**
 * Interpolates amplifications on other noise levels, in their logarithm. Above the highest measured level it is the
 * highest one's, and below the lowest the lowest one's.
 *
 * @param measured by descending level
 */
export function amplificationsAt(levels: readonly number[], measured: readonly Amplification[]): number[] {
  return levels.map((level) => {
    const below = measured.findIndex((each) => each.level <= level);
    if (below < 0) return measured.at(-1)!.amplification;
    if (below === 0) return measured[0]!.amplification;
    const [high, low] = [measured[below - 1]!, measured[below]!];
    const share = (high.level - level) / (high.level - low.level);
    return Math.exp((1 - share) * Math.log(high.amplification) + share * Math.log(low.amplification));
  });
}

/**
 * Exponent of the mean over generations. A few videos amplify early changes ten times as much as most do, nothing tells
 * them beforehand, and they are the ones that break promises. So the mean is nearly the largest value.
 */
const POWER = 8;

function highMean(values: readonly number[]): number {
  return (values.reduce((sum, value) => sum + value ** POWER, 0) / values.length) ** (1 / POWER);
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}
