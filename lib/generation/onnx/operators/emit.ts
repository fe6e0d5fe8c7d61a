import type { Graph, TensorType, Value } from "../graph.ts";
import type { Attributes } from "../model-proto.ts";
import { resolveAxis } from "../shape.ts";

/** Appends a node with one output to the graph of its first input. */
export function emit(
  opType: string,
  inputs: readonly [Value, ...(Value | undefined)[]],
  output: TensorType,
  attributes: Attributes = {},
  domain = "",
): Value {
  return inputs[0].graph.node(opType, inputs, [output], attributes, domain)[0]!;
}

/** One-dimensional int64 constant, the form in which ONNX takes shapes, axes and bounds. */
export function integers(graph: Graph, values: readonly number[]): Value {
  return graph.constant(BigInt64Array.from(values, BigInt), [values.length]);
}

/**
 * Returns `axis` counted from the front.
 *
 * @throws GraphError if `x` has no such axis
 */
export function axisOf(x: Value, axis: number, operator: string): number {
  const resolved = resolveAxis(axis, x.shape.length);
  return resolved ?? x.graph.fail(`${operator}: a tensor of rank ${x.shape.length} has no axis ${axis}`);
}
