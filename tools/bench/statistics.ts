/** Statistics of a few dozen measurements. Infinity is a value like any other: the PSNR of identical videos. */

/** What a column of measurements is told by. */
export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** @throws RangeError without values */
export function mean(values: readonly number[]): number {
  assertSome(values);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation, with n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length === 1) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * The value below which a share of the values lies, interpolated linearly between neighbours (Hyndman and Fan's
 * type 7, the default of numpy and R).
 *
 * @param share 0 to 1
 */
export function quantile(values: readonly number[], share: number): number {
  assertSome(values);
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = share * (sorted.length - 1);
  const lower = sorted[Math.floor(at)]!;
  const upper = sorted[Math.ceil(at)]!;
  // Infinity minus itself is no number.
  return lower === upper ? lower : lower + (upper - lower) * (at - Math.floor(at));
}

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), p10: quantile(values, 0.1), p90: quantile(values, 0.9) };
}

/**
 * What each round of one side is over the same round of the other.
 *
 * @throws RangeError when the two were not measured in the same rounds
 */
export function ratios(numerators: readonly number[], denominators: readonly number[]): number[] {
  if (numerators.length !== denominators.length) {
    throw new RangeError(
      `${numerators.length} rounds cannot be set against ${denominators.length}: a ratio is of one round`,
    );
  }
  return numerators.map((value, index) => value / denominators[index]!);
}

function assertSome(values: readonly number[]): void {
  if (values.length === 0) throw new RangeError("there is no value to summarise");
}
