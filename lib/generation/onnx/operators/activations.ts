import type { Value } from "../graph.ts";
import { mul } from "./elementwise.ts";
import { emit } from "./emit.ts";

export const exp = (x: Value): Value => emit("Exp", [x], x);
export const tanh = (x: Value): Value => emit("Tanh", [x], x);
export const sigmoid = (x: Value): Value => emit("Sigmoid", [x], x);

/** Sigmoid linear unit, x * sigmoid(x). Written as two nodes, which onnxruntime fuses into one. */
export const silu = (x: Value): Value => mul(x, sigmoid(x));

/** Gaussian error linear unit: exact by erf ("none") or its tanh approximation, as torch's `approximate`. */
export function gelu(x: Value, approximate: "none" | "tanh"): Value {
  return emit("Gelu", [x], x, { approximate: { string: approximate } });
}

/** Softmax along one axis, the last by default. */
export function softmax(x: Value, axis = -1): Value {
  return emit("Softmax", [x], x, { axis: { int: axis } });
}
