import type { Value } from "../graph.ts";
import {
  broadcastShapes,
  elementCount,
  formatShape,
  resolveReshape,
  type Shape,
  sameShape,
} from "../shape.ts";
import { dataTypes } from "../types.ts";
import { axisOf, emit, integers } from "./emit.ts";

/** Gives the elements, in row-major order, another shape. At most one size of `target` may be -1. */
export function reshape(x: Value, target: Shape): Value {
  const shape = resolveReshape(x.shape, target);
  if (!shape) return x.graph.fail(`reshape: ${formatShape(x.shape)} does not fit ${formatShape(target)}`);
  if (sameShape(shape, x.shape)) return x;
  // allowzero: a 0 in the shape means an empty axis, not "copy the input's size".
  return emit("Reshape", [x, integers(x.graph, shape)], { dtype: x.dtype, shape }, { allowzero: { int: 1 } });
}

/** Permutes axes: axis i of the result is axis `permutation[i]` of `x`. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  const complete = permutation.toSorted((a, b) => a - b).every((axis, index) => axis === index);
  if (permutation.length !== x.shape.length || !complete) {
    x.graph.fail(
      `transpose: ${formatShape(permutation)} does not permute the axes of ${formatShape(x.shape)}`,
    );
  }
  const shape = permutation.map((axis) => x.shape[axis]!);
  return emit("Transpose", [x], { dtype: x.dtype, shape }, { perm: { ints: permutation } });
}

/** Concatenates tensors that differ in the size of `axis` only. */
export function concat(values: readonly [Value, ...Value[]], axis: number): Value {
  const [first] = values;
  const along = axisOf(first, axis, "concat");
  for (const value of values) {
    const fits =
      value.dtype === first.dtype &&
      value.shape.length === first.shape.length &&
      value.shape.every((size, index) => index === along || size === first.shape[index]);
    if (!fits) {
      const [a, b] = [first, value].map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`);
      first.graph.fail(`concat: ${a} and ${b} differ in more than axis ${along}`);
    }
  }
  const total = values.reduce((sum, value) => sum + value.shape[along]!, 0);
  return emit(
    "Concat",
    values,
    { dtype: first.dtype, shape: first.shape.with(along, total) },
    { axis: { int: along } },
  );
}

/** Returns elements `start` (included) to `end` (excluded) of one axis. Negative bounds count from its end. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const along = axisOf(x, axis, "slice");
  const size = x.shape[along]!;
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from > to || to > size) {
    x.graph.fail(`slice: ${start} to ${end} is not within axis ${along} of ${formatShape(x.shape)}`);
  }
  const bounds = [from, to, along].map((bound) => integers(x.graph, [bound])) as [Value, Value, Value];
  return emit("Slice", [x, ...bounds], { dtype: x.dtype, shape: x.shape.with(along, to - from) });
}

/** Splits one axis into parts of the given sizes, or into a number of equal parts. */
export function split(x: Value, axis: number, parts: number | readonly number[]): Value[] {
  const along = axisOf(x, axis, "split");
  const size = x.shape[along]!;
  const sizes = typeof parts === "number" ? Array<number>(parts).fill(size / parts) : parts;
  if (
    sizes.some((part) => !Number.isInteger(part) || part < 0) ||
    sizes.reduce((a, b) => a + b, 0) !== size
  ) {
    x.graph.fail(
      `split: axis ${along} of ${formatShape(x.shape)} does not divide into ${formatShape(sizes)}`,
    );
  }
  const outputs = sizes.map((part) => ({ dtype: x.dtype, shape: x.shape.with(along, part) }));
  return x.graph.node("Split", [x, integers(x.graph, sizes)], outputs, { axis: { int: along } });
}

/**
 * Picks rows of `x` by `indices` (int32 or int64), as an embedding does. The shape of `indices` replaces `axis`.
 * Rows of a weight stored in 16 bits are picked before they are cast, so that the table has no float32 copy.
 */
export function gather(x: Value, indices: Value, axis = 0): Value {
  const along = axisOf(x, axis, "gather");
  if (indices.dtype !== "int64" && indices.dtype !== "int32") {
    x.graph.fail(`gather: indices are ${indices.dtype}, not int32 or int64`);
  }
  const shape = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
  const table = x.graph.asStored(x);
  const rows = emit("Gather", [table, indices], { dtype: table.dtype, shape }, { axis: { int: along } });
  if (table.dtype === x.dtype) return rows;
  return emit("Cast", [rows], { dtype: x.dtype, shape }, { to: { int: dataTypes[x.dtype].code } });
}

/** Pads `x` with a constant; `amounts` is [before, after] for every axis. */
export function pad(x: Value, amounts: readonly (readonly [number, number])[], value = 0): Value {
  if (
    amounts.length !== x.shape.length ||
    amounts.flat().some((amount) => !Number.isInteger(amount) || amount < 0)
  ) {
    x.graph.fail(`pad: needs [before, after] for each axis of ${formatShape(x.shape)}`);
  }
  if (x.dtype !== "float32") x.graph.fail(`pad: only float32 is padded, not ${x.dtype}`);
  const before = amounts.map(([amount]) => amount);
  const after = amounts.map(([, amount]) => amount);
  const shape = x.shape.map((size, axis) => before[axis]! + size + after[axis]!);
  const pads = integers(x.graph, [...before, ...after]);
  return emit("Pad", [x, pads, x.graph.constant(Float32Array.of(value), [])], { dtype: x.dtype, shape });
}

/** Repeats `x` along its axes of size 1 until it has `shape`. */
export function expand(x: Value, shape: Shape): Value {
  const stretched = broadcastShapes(x.shape, shape);
  if (!stretched || !sameShape(stretched, shape)) {
    x.graph.fail(`expand: ${formatShape(x.shape)} does not stretch to ${formatShape(shape)}`);
  }
  if (elementCount(x.shape) === elementCount(shape)) return reshape(x, shape);
  return emit("Expand", [x, integers(x.graph, shape)], { dtype: x.dtype, shape });
}
