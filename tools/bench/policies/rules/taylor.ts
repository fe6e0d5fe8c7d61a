/** Taylor ladder: divided differences of kept values, by which TaylorSeer and others forecast the next one. */

/** Options of a ladder. */
export interface Ladder {
  /** Highest order of the differences; lower ones are used while values are few. */
  readonly order: number;
  /**
   * First step at which a difference is taken, 0-based. diffusers takes them from the second computed step on (0);
   * cache-dit and ParaAttention only after step 1 (2), and the authors after `first - 2`.
   */
  readonly differencesFrom: number;
}

/**
 * Weights by which kept values give the forecast sum over i of d_i * elapsed^i / i!, with d_0 the newest value and
 * d_i+1 = (d_i - d_i of the computed step before) / gap between those two steps.
 *
 * Orders above 1 are biased: d_2 is a difference of slopes that lie half a gap behind their steps, divided by a whole
 * gap. From t^2 at steps 0, 5 and 10 the ladder forecasts 176 for step 14, where 196 is right.
 *
 * @param kept  computed steps, the newest first; order + 1 of them are enough
 * @param at  step that is forecast
 * @returns a weight for each kept value, together 1
 */
export function taylorWeights(kept: readonly number[], at: number, ladder: Ladder): number[] {
  const weights: number[] = kept.map(() => 0);
  const elapsed = at - kept[0]!;
  let factor = 1;
  for (let order = 0; order <= ladder.order; order++) {
    const difference = differenceOf(kept, 0, order, ladder.differencesFrom);
    if (difference === null) break;
    for (const [index, weight] of difference.entries()) weights[index]! += factor * weight;
    factor *= elapsed / (order + 1);
  }
  return weights;
}

/** Weights of the difference of an order at the kept step `index`, or null where it was not taken. */
function differenceOf(
  kept: readonly number[],
  index: number,
  order: number,
  differencesFrom: number,
): number[] | null {
  if (order === 0) return kept.map((_, other) => (other === index ? 1 : 0));
  if (index + 1 >= kept.length || kept[index]! < differencesFrom) return null;
  const newer = differenceOf(kept, index, order - 1, differencesFrom);
  const older = differenceOf(kept, index + 1, order - 1, differencesFrom);
  if (newer === null || older === null) return null;
  const gap = kept[index]! - kept[index + 1]!;
  return newer.map((weight, other) => (weight - older[other]!) / gap);
}
