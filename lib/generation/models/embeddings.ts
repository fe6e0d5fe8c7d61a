/** Tables that depend on shapes alone, computed here and not in graphs. */

const PERIOD = 10_000;

/** Width of the sinusoid that timestep embedders take. */
export const SINUSOID_WIDTH = 256;

/**
 * Returns the sinusoid of a scalar, [cos | sin], with frequencies 10000^(-i/half).
 *
 * @see Vaswani et al. 2017 (arXiv 1706.03762) section 3.5; the order of the halves is GLIDE's
 */
export function scalarSinusoid(value: number, width = SINUSOID_WIDTH): Float32Array {
  const half = width / 2;
  const table = new Float32Array(width);
  for (const [i, frequency] of scalarFrequencies(width).entries()) {
    const angle = Math.fround(Math.fround(value) * frequency);
    table[i] = Math.cos(angle);
    table[half + i] = Math.sin(angle);
  }
  return table;
}

/** Returns the frequencies of `scalarSinusoid`, for scalars that are known to the graph alone. */
export function scalarFrequencies(width: number): Float32Array {
  const half = width / 2;
  return Float32Array.from({ length: half }, (_, i) => {
    // Rounds to float32 wherever the reference does; otherwise the angle near 1000 differs in the fifth digit.
    const exponent = Math.fround(Math.fround(Math.fround(-Math.log(PERIOD)) * i) / half);
    return Math.exp(exponent);
  });
}

/** Returns the sinusoid of a scalar as `scalarSinusoid` does, with angles that are not rounded to float32. */
export function exactSinusoid(value: number, width = SINUSOID_WIDTH): Float32Array {
  const half = width / 2;
  const angles = Array.from({ length: half }, (_, i) => value * PERIOD ** (-i / half));
  return Float32Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]);
}

/**
 * Returns absolute positions along one axis [count, width], each as [sin | cos].
 *
 * @param step distance between neighbours
 */
export function lineSinusoid(count: number, width: number, step: number): Float32Array {
  const half = width / 2;
  const table = new Float32Array(count * width);
  for (let position = 0; position < count; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * step * PERIOD ** (-i / half);
      table[position * width + i] = Math.sin(angle);
      table[position * width + half + i] = Math.cos(angle);
    }
  }
  return table;
}

/**
 * Returns absolute positions of a grid of patches [H * W, width]. The first half of the width encodes the column, the
 * second the row, each as [sin | cos].
 *
 * @param step distance between neighbouring patches down and across
 */
export function gridSinusoid(
  rows: number,
  columns: number,
  width: number,
  step: { down: number; across: number },
): Float32Array {
  const half = width / 2;
  const across = lineSinusoid(columns, half, step.across);
  const down = lineSinusoid(rows, half, step.down);
  const table = new Float32Array(rows * columns * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * width;
      table.set(across.subarray(column * half, (column + 1) * half), at);
      table.set(down.subarray(row * half, (row + 1) * half), at + half);
    }
  }
  return table;
}

/**
 * Returns cosines and sines of rotary position embedding, each [positions, width / 2]; pair i turns by
 * 10000^(-2i/width) per position.
 *
 * @see RoFormer (arXiv 2104.09864) section 3.2
 */
export function rotaryTables(positions: number, width: number): { cos: Float32Array; sin: Float32Array } {
  const half = width / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * PERIOD ** ((-2 * i) / width);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/**
 * Returns rotary tables of a grid of tokens, each [frames * rows * columns, width / 2]. The pairs of a head are divided
 * among the axes: columns and rows get a third of the width each, rounded down to pairs, and frames the rest.
 *
 * @see Wan (arXiv 2503.20314); the division is that of its code
 */
export function gridRotaryTables(
  [frames, rows, columns]: readonly [frames: number, rows: number, columns: number],
  width: number,
): { cos: Float32Array; sin: Float32Array } {
  const third = 2 * Math.floor(width / 6);
  const axes = [
    { tables: rotaryTables(frames, width - 2 * third), pairs: width / 2 - third, stride: rows * columns },
    { tables: rotaryTables(rows, third), pairs: third / 2, stride: columns },
    { tables: rotaryTables(columns, third), pairs: third / 2, stride: 1 },
  ];
  const half = width / 2;
  const counts = [frames, rows, columns];
  const cos = new Float32Array(frames * rows * columns * half);
  const sin = new Float32Array(cos.length);
  for (let token = 0; token < frames * rows * columns; token++) {
    let at = token * half;
    for (const [axis, { tables, pairs, stride }] of axes.entries()) {
      const position = Math.floor(token / stride) % counts[axis]!;
      const row = [position * pairs, (position + 1) * pairs] as const;
      cos.set(tables.cos.subarray(...row), at);
      sin.set(tables.sin.subarray(...row), at);
      at += pairs;
    }
  }
  return { cos, sin };
}
