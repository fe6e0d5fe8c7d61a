/** What becomes of a change of the latent until the end of a generation. */

/** Number of steps at which changes are tried, about. */
const TRIED = 13;

/** Steps are tried more densely at the start, where amplification changes most. */
const DENSITY = 1.5;

/** Sizes of a change of the latent: right after a step, and in the final latent. */
export interface Change {
  readonly after: number;
  readonly final: number;
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

/** Returns the root mean square of the amplifications of changes after one step; null if nothing changed. */
export function amplificationOf(changes: readonly Change[]): number | null {
  const ratios = changes.filter(({ after }) => after > 0).map(({ after, final }) => final / after);
  if (ratios.length === 0) return null;
  return Math.sqrt(ratios.reduce((sum, ratio) => sum + ratio ** 2, 0) / ratios.length);
}

/**
 * Interpolates amplifications on other noise levels, in their logarithm. Above the highest measured level it is the
 * highest one's. At the level of the last step, and below, it is 1.
 *
 * @param measured by descending level; the last level is that of the last step
 */
export function amplificationsAt(
  levels: readonly number[],
  measured: readonly { readonly level: number; readonly amplification: number }[],
): number[] {
  return levels.map((level) => {
    const below = measured.findIndex((each) => each.level <= level);
    if (below < 0) return measured.at(-1)!.amplification;
    if (below === 0) return measured[0]!.amplification;
    const [high, low] = [measured[below - 1]!, measured[below]!];
    const share = (high.level - level) / (high.level - low.level);
    return Math.exp((1 - share) * Math.log(high.amplification) + share * Math.log(low.amplification));
  });
}
