import { add, concat, mul, slice, type Value } from "../onnx/index.ts";

/** Overlapping tiles in which large pictures are decoded. Neighbouring tiles are blended. */
export interface Tiling {
  /** Elements of a latent along one edge of a tile. */
  readonly size: number;
  /** Elements from the beginning of one tile to that of the next. */
  readonly stride: number;
}

/** Decodes x [..., H, W] to pictures [..., H * scale, W * scale], tile by tile. */
export function inTiles(
  x: Value,
  { size, stride }: Tiling,
  scale: number,
  decode: (tile: Value) => Value,
): Value {
  const rows: Value[][] = [];
  for (const rowOfLatents of cut(x, -2, size, stride)) {
    const row: Value[] = [];
    for (const latent of cut(rowOfLatents, -1, size, stride)) {
      const tile = x.graph.scope(`tile.${rows.length}.${row.length}`, () => decode(latent));
      const below = fade(rows.at(-1)?.[row.length], tile, -2, (size - stride) * scale);
      row.push(fade(row.at(-1), below, -1, (size - stride) * scale));
    }
    rows.push(row);
  }
  /** Joins parts, each without the overlap that the next part covers. */
  const joined = (parts: readonly Value[], axis: number) => {
    const heads = parts.map((part) => slice(part, axis, 0, Math.min(extent(part, axis), stride * scale)));
    return joinAlong(heads, axis);
  };
  const strips = rows.map((row) => joined(row, -1));
  return joined(strips, -2);
}

function cut(x: Value, axis: number, size: number, stride: number): Value[] {
  const whole = extent(x, axis);
  return Array.from({ length: Math.ceil(whole / stride) }, (_, i) =>
    slice(x, axis, i * stride, Math.min(whole, i * stride + size)),
  );
}

/** Blends the beginning of `tile` linearly with the end of `before`, over at most `most` pixels. */
function fade(before: Value | undefined, tile: Value, axis: number, most: number): Value {
  if (!before) return tile;
  const [end, whole] = [extent(before, axis), extent(tile, axis)];
  const length = Math.min(end, whole, most);
  const shape = axis === -1 ? [length] : [length, 1];
  const share = (of: (i: number) => number) =>
    tile.graph.constant(
      Float32Array.from({ length }, (_, i) => of(i / length)),
      shape,
    );
  const old = mul(
    slice(before, axis, end - length, end),
    share((i) => 1 - i),
  );
  const mixed = add(
    old,
    mul(
      slice(tile, axis, 0, length),
      share((i) => i),
    ),
  );
  return length === whole ? mixed : joinAlong([mixed, slice(tile, axis, length, whole)], axis);
}

function extent(x: Value, axis: number): number {
  return x.shape.at(axis)!;
}

function joinAlong(parts: readonly Value[], axis: number): Value {
  return concat(parts as [Value, ...Value[]], axis);
}
