import type { Attributes } from "./model-proto.ts";
import { elementCount } from "./shape.ts";
import type { DType, TensorData } from "./types.ts";

/** Tensor of a graph, as far as the nodes of a changed weight need it. */
interface Operand {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Graph that nodes are appended to. */
interface Nodes<V extends Operand> {
  node(
    opType: string,
    inputs: readonly V[],
    outputs: readonly { readonly dtype: DType; readonly shape: readonly number[] }[],
    attributes?: Attributes,
  ): V[];
  constant(data: TensorData, shape: readonly number[]): V;
}

/** Factors of a low-rank change, `scale * up @ down`: `down` is [rank, in], `up` is [out, rank]. */
export interface LowRank<V> {
  readonly down: V;
  readonly up: V;
  readonly scale: number;
}

/** Returns weight + scale * difference, for tensors of one shape. */
export function withDifference<V extends Operand>(g: Nodes<V>, weight: V, difference: V, scale: number): V {
  const factor = g.constant(new Float32Array([scale]), []);
  const scaled = scale === 1 ? difference : g.node("Mul", [difference, factor], [weight])[0]!;
  return g.node("Add", [weight, scaled], [weight])[0]!;
}

/**
 * Returns weight + scale * up @ down. A weight of more axes, such as a convolution's [out, in, ...kernel], is the
 * matrix [out, the others].
 */
export function withLowRank<V extends Operand>(g: Nodes<V>, weight: V, { down, up, scale }: LowRank<V>): V {
  const { dtype, shape } = weight;
  const matrix = [shape[0]!, elementCount(shape.slice(1))];
  const asMatrix = (value: V, size: readonly number[]) => reshaped(g, value, size);
  const factors = [asMatrix(up, [matrix[0]!, -1]), asMatrix(down, [-1, matrix[1]!])] as const;
  const sum = g.node("Gemm", [...factors, asMatrix(weight, matrix)], [{ dtype, shape: matrix }], {
    alpha: { float: scale },
  });
  return reshaped(g, sum[0]!, shape);
}

/** Reshapes a value; one size may be -1, and follows from the others. */
function reshaped<V extends Operand>(g: Nodes<V>, value: V, size: readonly number[]): V {
  const known = elementCount(size.filter((extent) => extent >= 0));
  const shape = size.map((extent) => (extent < 0 ? elementCount(value.shape) / known : extent));
  if (shape.join() === value.shape.join()) return value;
  const target = g.constant(BigInt64Array.from(shape, BigInt), [shape.length]);
  return g.node("Reshape", [value, target], [{ dtype: value.dtype, shape }])[0]!;
}
