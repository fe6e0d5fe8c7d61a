import type { Range } from "./quote.ts";

/** Share of outcomes that may lie below a range, and as many above. */
const OUTSIDE = 0.05;

/**
 * Returns the bounds between which the next value falls in nine of ten cases, if it comes from where these came from.
 *
 * That is split conformal prediction (Angelopoulos and Bates, arXiv 2107.07511, section 1): of n + 1 exchangeable
 * values, the last one is as likely to have any rank. So the upper bound is the value of rank 0.95 (n + 1). With fewer
 * than 19 values no value has that rank; the largest one is then exceeded with a chance of 1 / (n + 1), and that share
 * of the way from it to `limits` is added. That is a rule of ours.
 *
 * @param limits what can be at all, or what is assumed before the first value
 */
export function boundsOf(
  values: readonly number[],
  limits: { readonly low: number; readonly high: number },
): { readonly low: number; readonly high: number } {
  const count = values.length;
  if (count === 0) return limits;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.floor(OUTSIDE * (count + 1));
  if (rank >= 1) return { low: sorted[rank - 1]!, high: sorted[count - rank]! };
  const [least, most] = [sorted[0]!, sorted[count - 1]!];
  const share = 1 / (count + 1);
  return {
    low: least - Math.max(0, least - limits.low) * share,
    high: most + Math.max(0, limits.high - most) * share,
  };
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Returns the range of the next value around the median of those before; that of `otherwise` without any. */
export function rangeOf(values: readonly number[], otherwise: Range): Range {
  const expected = median(values);
  if (expected === null) return otherwise;
  return { expected, ...boundsOf(values, otherwise) };
}
