/** Second moments of tensors over the steps of a generation. */

/** Moments of one generation, or the mean of those of several. */
export interface Moments {
  /** Mean products of elements [steps, steps], divided by `square`. */
  readonly moments: readonly (readonly number[])[];
  /** Mean square of an element over all steps. */
  readonly square: number;
}

/**
 * Returns a sample of at most `most` elements, or the tensor itself if it has no more. The stride is a prime that does
 * not divide the tensor's size, so that the sample does not keep to one channel or one column.
 */
export function sampleOf(tensor: Float32Array, most: number): Float32Array {
  const stride = strideFor(tensor.length, most);
  if (stride === 1) return tensor.slice();
  return Float32Array.from({ length: Math.ceil(tensor.length / stride) }, (_, i) => tensor[i * stride]!);
}

function strideFor(size: number, most: number): number {
  let stride = Math.ceil(size / most);
  if (stride <= 1) return 1;
  while (!isPrime(stride) || size % stride === 0) stride += 1;
  return stride;
}

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false;
  return number > 1;
}

/**
 * Returns the moments of one generation. Samples of different sizes, which are those of two transformers, have nothing
 * in common.
 *
 * @param samples one for each step
 */
export function momentsOf(samples: readonly Float32Array[]): Moments {
  const products = samples.map((sample, i) => samples.slice(0, i + 1).map((other) => product(sample, other)));
  const square = products.reduce((sum, row) => sum + row.at(-1)!, 0) / samples.length;
  const at = (i: number, j: number) => products[Math.max(i, j)]![Math.min(i, j)]! / square;
  return { moments: samples.map((_, i) => samples.map((_, j) => at(i, j))), square };
}

/** Averages the moments of generations. Each counts the same, however large its tensors are. */
export function meanMoments(generations: readonly Moments[]): Moments {
  const mean = (read: (of: Moments) => number) =>
    generations.reduce((sum, each) => sum + read(each), 0) / generations.length;
  return {
    moments: generations[0]!.moments.map((row, i) =>
      row.map((_, j) => mean(({ moments }) => moments[i]![j]!)),
    ),
    square: mean(({ square }) => square),
  };
}

function product(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum / a.length;
}
