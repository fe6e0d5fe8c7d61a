import type { Value } from "../graph.ts";
import { abs } from "./elementwise.ts";
import { axisOf, emit, integers } from "./emit.ts";

export interface ReduceOptions {
  /** Axes to reduce; all of them when left out. */
  readonly axes?: readonly number[];
  /** Keeps reduced axes with size 1; false by default. */
  readonly keepDims?: boolean;
}

export const reduceSum = (x: Value, options: ReduceOptions = {}): Value => reduce("ReduceSum", x, options);
export const reduceMean = (x: Value, options: ReduceOptions = {}): Value => reduce("ReduceMean", x, options);

/** L2 norm over `axes`: the square root of the sum of squares. */
export const reduceL2 = (x: Value, options: ReduceOptions = {}): Value => reduce("ReduceL2", x, options);

/** L1 norm over all elements, a scalar. */
export const sumAbs = (x: Value): Value => reduceSum(abs(x));

function reduce(opType: string, x: Value, { axes, keepDims = false }: ReduceOptions): Value {
  const reduced = new Set(axes?.map((axis) => axisOf(x, axis, opType)) ?? x.shape.keys());
  const kept = x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size));
  const shape = keepDims ? kept : kept.filter((_, axis) => !reduced.has(axis));
  const inputs = [x, integers(x.graph, [...reduced])] as const;
  return emit(opType, inputs, { dtype: x.dtype, shape }, { keepdims: { int: Number(keepDims) } });
}
