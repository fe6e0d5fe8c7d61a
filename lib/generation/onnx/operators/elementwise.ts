import type { Graph, Value } from "../graph.ts";
import { broadcastShapes, formatShape, type Shape } from "../shape.ts";
import { type DType, dataTypes } from "../types.ts";
import { emit } from "./emit.ts";
import { concat } from "./layout.ts";

/** Tensor, or a number that becomes a scalar of the other operand's type. */
export type Operand = Value | number;

/** Binary operator; at least one operand is a tensor. float16 with float32 gives float32. */
interface Binary {
  (a: Value, b: Operand): Value;
  (a: number, b: Value): Value;
}

/** Returns a + b, with numpy broadcasting. */
export const add: Binary = (a, b) => binary("Add", a, b);
/** Returns a - b, with numpy broadcasting. */
export const sub: Binary = (a, b) => binary("Sub", a, b);
/** Returns a * b, with numpy broadcasting. */
export const mul: Binary = (a, b) => binary("Mul", a, b);
/** Returns a / b, with numpy broadcasting. */
export const div: Binary = (a, b) => binary("Div", a, b);

export const neg = (x: Value): Value => unary("Neg", x);
export const abs = (x: Value): Value => unary("Abs", x);
export const sqrt = (x: Value): Value => unary("Sqrt", x);

/** Returns cosines and sines of angles [..., n], one after the other along the last axis: [..., 2 * n]. */
export function sinusoid(angles: Value): Value {
  return concat([unary("Cos", angles), unary("Sin", angles)], -1);
}

export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return emit("Cast", [x], { dtype, shape: x.shape }, { to: { int: dataTypes[dtype].code } });
}

/** Selects `whenTrue` where the bool tensor `condition` is true, `whenFalse` elsewhere; all three broadcast. */
export function where(condition: Value, whenTrue: Operand, whenFalse: Operand): Value {
  const { graph } = condition;
  if (condition.dtype !== "bool") graph.fail(`where: the condition is ${condition.dtype}, not bool`);
  const [a, b] = operands(graph, "where", whenTrue, whenFalse);
  const shape = broadcast(graph, "where", condition.shape, broadcast(graph, "where", a.shape, b.shape));
  return emit("Where", [condition, a, b], { dtype: a.dtype, shape });
}

/** Returns the bool tensor a < b, with numpy broadcasting. */
export function less(a: Value, b: Operand): Value {
  const [left, right] = operands(a.graph, "less", a, b);
  const shape = broadcast(a.graph, "less", left.shape, right.shape);
  return emit("Less", [left, right], { dtype: "bool", shape });
}

function unary(opType: string, x: Value): Value {
  return emit(opType, [x], x);
}

function binary(opType: string, left: Operand, right: Operand): Value {
  const graph = typeof left === "number" ? (right as Value).graph : left.graph;
  const operator = opType.toLowerCase();
  const [a, b] = operands(graph, operator, left, right);
  return emit(opType, [a, b], { dtype: a.dtype, shape: broadcast(graph, operator, a.shape, b.shape) });
}

function operands(graph: Graph, operator: string, left: Operand, right: Operand): [Value, Value] {
  if (typeof left === "number" && typeof right === "number") {
    return [scalar(graph, left, "float32"), scalar(graph, right, "float32")];
  }
  const dtype = typeof left === "number" ? (right as Value).dtype : left.dtype;
  const a = typeof left === "number" ? scalar(graph, left, dtype) : left;
  const b = typeof right === "number" ? scalar(graph, right, dtype) : right;
  if (a.dtype === b.dtype) return [a, b];
  if (isFloat(a) && isFloat(b)) return [cast(a, "float32"), cast(b, "float32")];
  return graph.fail(`${operator}: cannot combine ${a.dtype} with ${b.dtype}`);
}

function isFloat({ dtype }: Value): boolean {
  return dtype === "float32" || dtype === "float16";
}

function scalar(graph: Graph, value: number, dtype: DType): Value {
  if (dtype === "int64") return graph.constant(BigInt64Array.of(BigInt(value)), []);
  if (dtype === "int32") return graph.constant(Int32Array.of(value), []);
  return cast(graph.constant(Float32Array.of(value), []), dtype);
}

function broadcast(graph: Graph, operator: string, a: Shape, b: Shape): Shape {
  const shape = broadcastShapes(a, b);
  return shape ?? graph.fail(`${operator}: ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
}
