/** Draws numbers with mean 0 and variance 1, deterministic for a seed. */
export function randomValues(count: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  // Marsaglia's xorshift (Journal of Statistical Software 8, 14); its state is never 0.
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = state * (Math.sqrt(3) / 2 ** 31);
  }
  return values;
}

/** Returns the number of elements of a shape. */
export function volume(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
