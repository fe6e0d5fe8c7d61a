import type { Value } from "../graph.ts";
import { broadcastShapes, formatShape } from "../shape.ts";
import { emit } from "./emit.ts";
import { reshape } from "./layout.ts";
import { integerWeightProduct, quantizedProduct } from "./quantized.ts";

/**
 * Rows from which a product is computed with 8-bit integers. Fewer take little time, and hold the numbers of the
 * timestep, which scale whole blocks.
 */
const INTEGER_ROWS_MIN = 32;

/**
 * Linear layer, x @ weight.T + bias over the last axis.
 *
 * Lowered to Gemm, which reads torch's [out, in] weight as stored. A Transpose node would be folded into a
 * copy of every weight when the session opens. Low-rank changes of the weight are branches beside it,
 * y + scale * (x @ down.T) @ up.T, so that the weight stays in its file too. In precision `int8` the weight is
 * multiplied in 8-bit integers, and branches are float32. A graph that reads integers multiplies float32 rows with a
 * weight that is stored in them.
 *
 * @param x       [..., in]
 * @param weight  [out, in]
 * @param bias    [out]
 */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  const [outWidth, inWidth] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.at(-1) !== inWidth) {
    x.graph.fail(`linear: input ${formatShape(x.shape)} does not fit weight ${formatShape(weight.shape)}`);
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outWidth)) {
    x.graph.fail(`linear: bias ${formatShape(bias.shape)} does not fit weight ${formatShape(weight.shape)}`);
  }
  return x.graph.scope("linear", () => {
    const { graph } = x;
    const asRows = () => reshape(graph.asFactor(x), [-1, inWidth!]);
    const rows = graph.precision === "int8" ? graph.once(`rows of ${x.name}`, asRows) : asRows();
    const { weight: whole, branches } = graph.branched(weight);
    let y = product(rows, whole, bias);
    for (const { down, up, scale } of branches) y = gemm(gemm(rows, down), up, y, scale);
    return reshape(y, [...x.shape.slice(0, -1), outWidth!]);
  });
}

/** Returns x @ weight.T + bias, for x [N, in], weight [out, in] and bias [out], as the graph computes products. */
function product(x: Value, weight: Value, bias?: Value): Value {
  const { graph } = x;
  if (graph.precision === "int8" && x.shape[0]! >= INTEGER_ROWS_MIN)
    return quantizedProduct(x, graph.quantized(weight), bias);
  const integers = graph.storedIntegers(weight);
  return integers ? integerWeightProduct(x, integers, bias) : gemm(x, weight, bias);
}

/** Returns scale * x @ weight.T + added, for x [N, in], weight [out, in] and added [out] or [N, out]. */
function gemm(x: Value, weight: Value, added?: Value, scale = 1): Value {
  const { graph } = x;
  const inputs = [x, graph.asFactor(weight), added && graph.asFactor(added)] as const;
  const output = { dtype: x.dtype, shape: [x.shape[0]!, weight.shape[0]!] };
  return emit("Gemm", inputs, output, {
    transB: { int: 1 },
    ...(scale !== 1 && { alpha: { float: scale } }),
  });
}

/** Matrix product over the last two axes; leading axes broadcast. */
export function matmul(a: Value, b: Value): Value {
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (a.shape.length < 2 || b.shape.length < 2 || !batch || a.shape.at(-1) !== b.shape.at(-2)) {
    return a.graph.fail(`matmul: ${formatShape(a.shape)} and ${formatShape(b.shape)} do not multiply`);
  }
  const factors = [a.graph.asFactor(a), a.graph.asFactor(b)] as const;
  const shape = [...batch, a.shape.at(-2)!, b.shape.at(-1)!];
  return emit("MatMul", factors, { dtype: factors[0].dtype, shape });
}
