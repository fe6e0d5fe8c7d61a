/** Statistics of a few dozen measurements. Infinity is an ordinary value: it is the PSNR of identical videos. */

/** Summary of a column of measurements. */
export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/**
 * Arithmetic mean.
 *
 * @throws RangeError if there are no values
 */
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
 * Returns the value below which a share of the values lies, interpolated linearly between neighbours (Hyndman
 * and Fan's type 7, the default of numpy and R).
 *
 * @param share  0 to 1
 * @throws RangeError if there are no values
 */
export function quantile(values: readonly number[], share: number): number {
  assertSome(values);
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = share * (sorted.length - 1);
  const lower = sorted[Math.floor(at)]!;
  const upper = sorted[Math.ceil(at)]!;
  // Infinity minus Infinity is NaN.
  return lower === upper ? lower : lower + (upper - lower) * (at - Math.floor(at));
}

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), p10: quantile(values, 0.1), p90: quantile(values, 0.9) };
}

/**
 * Divides the rounds of one side by the same rounds of the other.
 *
 * @throws RangeError if the numbers of rounds differ
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
