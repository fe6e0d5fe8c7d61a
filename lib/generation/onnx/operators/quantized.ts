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

/** Rows x [N, in] of a product: uint8, with the scale and the zero point of them all. */
interface QuantizedRows {
  readonly rows: Value;
  readonly scale: Value;
  readonly zero: Value;
  /** Channels that are zero in `rows` because they are multiplied apart; null in narrow layers. */
  readonly apart: { readonly channels: Value; readonly values: Value } | null;
}

/**
 * Returns x @ weight.T + bias in float32, for x [N, in], a quantised weight [out, in] and bias [out].
 */
export function quantizedProduct(x: Value, weight: QuantizedWeight<Value>, bias?: Value): Value {
  const { values, scales } = weight;
  const { rows, scale, zero, apart } = x.graph.once(`quantised ${x.name}`, () => quantizedRows(x));
  const output = { dtype: "float32", shape: [x.shape[0]!, values.shape[1]!] } as const;
  const inputs = [rows, values, scale, scales, zero, undefined, bias] as const;
  const product = emit("MatMulIntegerToFloat", inputs, output, {}, "com.microsoft"); // [N, out]
  if (!apart) return product;
  const factors = mul(cast(gather(values, apart.channels), "float32"), scales); // [count, out]
  return emit("Gemm", [apart.values, factors, product], product);
}

function quantizedRows(x: Value): QuantizedRows {
  const { graph } = x;
  const inWidth = x.shape[1]!;
  if (inWidth < APART_WIDTH_MIN) return { ...integersOf(x), apart: null };
  const count = Math.ceil(inWidth / CHANNELS_PER_APART);
  const channels = largestChannels(x, count); // [count]
  const ones = graph.constant(new Float32Array(inWidth).fill(1), [inWidth]);
  const zeros = graph.constant(new Float32Array(count), [count]);
  const others = mul(x, emit("ScatterElements", [ones, channels, zeros], ones, { axis: { int: 0 } }));
  return { ...integersOf(others), apart: { channels, values: gather(x, channels, 1) } };
}

function integersOf(x: Value): Omit<QuantizedRows, "apart"> {
  const types = [
    { dtype: "uint8", shape: x.shape },
    { dtype: "float32", shape: [] },
    { dtype: "uint8", shape: [] },
  ] as const;
  const [rows, scale, zero] = x.graph.node("DynamicQuantizeLinear", [x], types);
  return { rows: rows!, scale: scale!, zero: zero! };
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
