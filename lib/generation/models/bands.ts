import {
  add,
  concat,
  div,
  mul,
  reduceL2,
  reduceMean,
  reshape,
  slice,
  sqrt,
  sub,
  type Value,
} from "../onnx/index.ts";

/**
 * Bands of rows in which a graph computes large pictures, layer by layer. Only what passes from layer to layer has the
 * size of a picture, and a layer's intermediate results have that of a band. A convolution takes the neighbouring rows
 * from the bands beside, and a normalisation the statistics of all bands: the pictures are those of whole layers, to
 * rounding.
 */

/** Picture or video [..., H, W] as bands of rows, from top to bottom. */
export type Bands = readonly [Value, ...Value[]];

/** Elements of a tensor that is one band: 128 MiB in float32. */
export const BAND_ELEMENTS = 2 ** 25;

const ROWS = -2;

function rowsOf(x: Value): number {
  return x.shape.at(ROWS)!;
}

function heightOf(bands: Bands): number {
  return bands.reduce((sum, band) => sum + rowsOf(band), 0);
}

/** Joins bands to the whole. */
export function whole(bands: Bands): Value {
  return bands.length === 1 ? bands[0] : concat(bands, ROWS);
}

/** Returns rows `from` (included) to `to` (excluded). */
function rowsBetween(bands: Bands, from: number, to: number): Value {
  const parts: Value[] = [];
  let start = 0;
  for (const band of bands) {
    const rows = rowsOf(band);
    const [first, last] = [Math.max(0, from - start), Math.min(rows, to - start)];
    if (first < last) parts.push(last - first === rows ? band : slice(band, ROWS, first, last));
    start += rows;
  }
  return whole(parts as [Value, ...Value[]]);
}

/** Applies a function of single positions to each band. */
export function eachBand(bands: Bands, apply: (band: Value, index: number) => Value): Bands {
  return bands.map(apply) as [Value, ...Value[]];
}

/** Layer that makes rows of rows: a function of single positions, and a convolution that sees one row on each side. */
export interface RowLayer {
  /** Prepares the input of the convolution. */
  readonly before: (x: Value) => Value;
  /** Applies the convolution, with so many rows of zeros before and after. */
  readonly convolve: (x: Value, pads: readonly [number, number]) => Value;
}

/** Applies a convolution over neighbouring rows to each band. */
export function convolved(bands: Bands, { before, convolve }: RowLayer): Bands {
  const height = heightOf(bands);
  let start = 0;
  return eachBand(bands, (band) => {
    const [from, to] = [start, start + rowsOf(band)];
    start = to;
    const x = rowsBetween(bands, Math.max(0, from - 1), Math.min(height, to + 1));
    return convolve(before(x), [from === 0 ? 1 : 0, to === height ? 1 : 0]);
  });
}

/**
 * Doubles the rows of bands and applies a convolution over neighbouring rows, in bands of at most `elements` elements.
 *
 * @param layer.before doubles rows and columns
 */
export function enlarged(bands: Bands, { before, convolve }: RowLayer, elements: number): Bands {
  const height = 2 * heightOf(bands);
  const whole = 4 * bands.reduce((sum, { shape }) => sum + shape.reduce((count, size) => count * size, 1), 0);
  const count = Math.min(height, Math.ceil(whole / elements));
  const edge = (index: number) => Math.round((index * height) / count);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [edge(i), edge(i + 1)];
    const [top, bottom] = [Math.max(0, from - 1), Math.min(height, to + 1)];
    const [first, last] = [Math.floor(top / 2), Math.ceil(bottom / 2)];
    const x = before(rowsBetween(bands, first, last));
    const seen =
      last * 2 - first * 2 === bottom - top ? x : slice(x, ROWS, top - first * 2, bottom - first * 2);
    return convolve(seen, [from === 0 ? 1 : 0, to === height ? 1 : 0]);
  }) as unknown as Bands;
}

/**
 * Returns the group normalisation of [B, C, ..., W] by the statistics of all bands, as a function of single positions.
 *
 * @param weight [C]
 * @param bias [C]
 */
export function bandNorm(
  bands: Bands,
  groups: number,
  { weight, bias, eps }: { readonly weight: Value; readonly bias: Value; readonly eps: number },
): (x: Value) => Value {
  const [B, C] = bands[0].shape as [number, number];
  const grouped = bands.map((band) => reshape(band, [B, groups, -1]));
  const counts = grouped.map(({ shape }) => shape[2]!);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const keep = { axes: [2], keepDims: true };
  const sum = (values: readonly Value[]) => values.reduce((a, b) => add(a, b));
  const mean = sum(grouped.map((x, i) => mul(reduceMean(x, keep), counts[i]! / total))); // [B, groups, 1]
  const variance = sum(
    grouped.map((x) => {
      const distance = reduceL2(sub(x, mean), keep);
      return mul(mul(distance, distance), 1 / total);
    }),
  );
  const scale = div(reshape(weight, [1, groups, C / groups]), sqrt(add(variance, eps))); // [B, groups, C / groups]
  const shift = sub(reshape(bias, [1, groups, C / groups]), mul(mean, scale));
  const perChannel = [B, C, ...bands[0].shape.slice(2).fill(1)];
  const [a, b] = [reshape(scale, perChannel), reshape(shift, perChannel)];
  return (x) => add(mul(x, a), b);
}
