/** Sums and distances over the numbers of a tensor, in double precision. */

/** Returns mean |now - before|. */
export function meanChange(before: Float32Array, now: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < now.length; i++) sum += Math.abs(now[i]! - before[i]!);
  return sum / now.length;
}

/** Returns mean |x|. */
export function meanSize(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum / values.length;
}

/** Returns the relative L1 distance mean |now - before| / mean |before|. */
export function relativeChange(before: Float32Array, now: Float32Array): number {
  return meanChange(before, now) / meanSize(before);
}

/** Returns mean (a - b)^2. */
export function meanSquare(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}

/**
 * Returns the weighted sum of tensors of one shape. A single tensor of weight 1 is returned as it is.
 *
 * @throws RangeError if there are more weights than tensors
 */
export function weightedSum(tensors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  if (weights.length > tensors.length) {
    throw new RangeError(`${weights.length} weights need as many tensors, and ${tensors.length} are kept`);
  }
  const [first] = tensors;
  if (weights.length === 1 && weights[0] === 1) return first!;
  const sum = new Float32Array(first!.length);
  for (const [index, weight] of weights.entries()) {
    const tensor = tensors[index]!;
    if (weight !== 0) for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + weight * tensor[i]!;
  }
  return sum;
}
