import type { Value } from "../graph.ts";
import type { QuantizedWeight } from "../weight-quantization.ts";
import { add, cast, mul, neg } from "./elementwise.ts";
import { emit, integers } from "./emit.ts";
import { gather } from "./layout.ts";

/**
 * Products of float32 rows with weights in 8-bit integers.
 *
 * The rows are quantised when the graph runs, all with one scale. A few channels of a real transformer's activations
 * are many times as large as the others, and would take that scale for themselves. So the channels with the largest
 * values are multiplied apart in float32, as in LLM.int8() (arXiv 2208.07339). They are chosen anew in each run:
 * nothing is calibrated.
 */

/** Width of the rows from which channels are multiplied apart. In narrower layers that takes longer than it saves. */
const APART_WIDTH_MIN = 512;

/** Number of channels of which one is multiplied apart. */
const CHANNELS_PER_APART = 64;

/**
 * Returns x @ weight.T + bias in float32, for x [N, in], a quantised weight [out, in] and bias [out].
 */
export function quantizedProduct(x: Value, weight: QuantizedWeight<Value>, bias?: Value): Value {
  const { graph } = x;
  const inWidth = x.shape[1]!;
  if (inWidth < APART_WIDTH_MIN) return integerProduct(x, weight, bias);
  const count = Math.ceil(inWidth / CHANNELS_PER_APART);
  const channels = largestChannels(x, count); // [count]
  const ones = graph.constant(new Float32Array(inWidth).fill(1), [inWidth]);
  const zeros = graph.constant(new Float32Array(count), [count]);
  const others = mul(x, emit("ScatterElements", [ones, channels, zeros], ones, { axis: { int: 0 } }));
  const product = integerProduct(others, weight, bias); // [N, out]
  const { values, scales } = weight;
  const factors = mul(cast(gather(values, channels), "float32"), scales); // [count, out]
  return emit("Gemm", [gather(x, channels, 1), factors, product], product);
}

/**
 * Returns x @ weight.T + bias in float32, for x [N, in] that is not quantised and a weight [out, in] stored in 8-bit
 * integers. They are cast to float32 and multiplied by their scales afterwards, which are fewer numbers.
 */
export function integerWeightProduct(
  x: Value,
  { values, scales }: QuantizedWeight<Value>,
  bias?: Value,
): Value {
  const output = { dtype: "float32", shape: [x.shape[0]!, values.shape[1]!] } as const;
  const product = mul(emit("MatMul", [x, x.graph.asFactor(values)], output), scales);
  return bias ? add(product, bias) : product;
}

/** Returns x @ values * scales + bias, with x [N, in] quantised to 8 bits. */
function integerProduct(x: Value, { values, scales }: QuantizedWeight<Value>, bias?: Value): Value {
  const { graph, shape } = x;
  const types = [
    { dtype: "uint8", shape },
    { dtype: "float32", shape: [] },
    { dtype: "uint8", shape: [] },
  ] as const;
  const [rows, scale, zero] = graph.node("DynamicQuantizeLinear", [x], types);
  const inputs = [rows!, values, scale!, scales, zero!, undefined, bias] as const;
  const output = { dtype: "float32", shape: [shape[0]!, values.shape[1]!] } as const;
  return emit("MatMulIntegerToFloat", inputs, output, {}, "com.microsoft");
}

/** Returns the indices int64 [count] of the channels of x [N, in] with the largest absolute values. */
function largestChannels(x: Value, count: number): Value {
  const { graph } = x;
  const channels = { dtype: "float32", shape: [x.shape[1]!] } as const;
  const extreme = (opType: string) =>
    emit(opType, [x, integers(graph, [0])], channels, { keepdims: { int: 0 } });
  const largest = emit("Max", [extreme("ReduceMax"), neg(extreme("ReduceMin"))], channels);
  const types = [
    { dtype: "float32", shape: [count] },
    { dtype: "int64", shape: [count] },
  ] as const;
  const options = { axis: { int: 0 }, sorted: { int: 0 } };
  return graph.node("TopK", [largest, integers(graph, [count])], types, options)[1]!;
}
