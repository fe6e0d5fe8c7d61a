import type { Attributes } from "./model-proto.ts";
import type { DType, TensorData } from "./types.ts";

/** Tensor of a graph, as far as the nodes of a quantised weight need it. */
interface Operand {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Graph that nodes are appended to. */
interface Nodes<V extends Operand> {
  node(opType: string, inputs: readonly V[], outputs: readonly Operand[], attributes?: Attributes): V[];
  constant(data: TensorData, shape: readonly number[]): V;
}

/** Weight [out, in] in 8-bit integers: `values` int8 [in, out], one of `scales` float32 [out] for each output channel. */
export interface QuantizedWeight<V> {
  readonly values: V;
  readonly scales: V;
}

/** Largest integer that a weight is quantised to; the smallest is its negative. */
const QUANTIZED_MAX = 127;

/** Smallest scale of a channel, so that one of zeros is not divided by zero. */
const SCALE_MIN = 2 ** -100;

/** Doubles of this size have no fraction: adding it rounds to an integer, half to even. */
const WITHOUT_FRACTION = 1.5 * 2 ** 52;

/**
 * Returns the scale of an output channel with these weights, to the bit the one that `quantize` gives it; infinite or
 * NaN if a weight is.
 */
export function channelScale(weights: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) largest = Math.max(largest, Math.abs(weights[i]!));
  return Math.max(Math.fround(largest / QUANTIZED_MAX), SCALE_MIN);
}

/** Returns the integer of a float32 weight whose channel has this scale, the one that `quantize` gives it. */
export function quantizedWeight(weight: number, scale: number): number {
  return Math.fround(weight / scale) + WITHOUT_FRACTION - WITHOUT_FRACTION;
}

/**
 * Quantises a weight [out, in] symmetrically, a scale for each output channel. All nodes depend on the weight alone, so
 * the runtime computes them once, when it opens the model, and drops the weight.
 */
export function quantize<V extends Operand>(g: Nodes<V>, weight: V): QuantizedWeight<V> {
  const [out, inWidth] = weight.shape as [number, number];
  const float = (shape: readonly number[]): Operand => ({ dtype: "float32", shape });
  const scalar = (value: number) => g.constant(new Float32Array([value]), []);
  const one = (opType: string, inputs: readonly V[], output: Operand, attributes?: Attributes) =>
    g.node(opType, inputs, [output], attributes)[0]!;
  const axes = g.constant(new BigInt64Array([1n]), [1]);
  const largest = one("ReduceMax", [one("Abs", [weight], weight), axes], float([out]), {
    keepdims: { int: 0 },
  });
  const scales = one(
    "Max",
    [one("Div", [largest, scalar(QUANTIZED_MAX)], largest), scalar(SCALE_MIN)],
    largest,
  );
  const transposed = one("Transpose", [weight], float([inWidth, out]), { perm: { ints: [1, 0] } });
  const zeros = g.constant(new Int8Array(out), [out]);
  const quantized = { dtype: "int8", shape: [inWidth, out] } as const;
  const values = one("QuantizeLinear", [transposed, scales, zeros], quantized, { axis: { int: 1 } });
  return { values, scales };
}
