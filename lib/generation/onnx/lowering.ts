import type { Graph, Value } from "./graph.ts";
import { add, cast, div, mul, softmax, sqrt, sub, where } from "./operators/elementwise.ts";
import { emit } from "./operators/emit.ts";
import { concat, expand, reshape, slice, split, transpose } from "./operators/layout.ts";
import { matmul } from "./operators/linear.ts";
import { reduceMean } from "./operators/reduction.ts";
import type { Provider } from "./types.ts";

/** Operators whose graph depends on the execution provider. Callers have checked their arguments. */
interface Lowering {
  attention(inputs: LoweredAttention): Value;
  rotaryInterleaved(x: Value, heads: number, cos: Value, sin: Value): Value;
  rmsNorm(x: Value, weight: Value, eps: number): Value;
  groupNorm(x: Value, groups: number, weight: Value, bias: Value, eps: number): Value;
}

interface LoweredAttention {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly heads: number;
  readonly mask: Value | undefined;
  readonly scale: number;
}

const fused: Lowering = {
  attention({ q, k, v, heads, mask, scale }) {
    const attributes = { q_num_heads: { int: heads }, kv_num_heads: { int: heads }, scale: { float: scale } };
    return emit("Attention", [q, k, v, mask && fullRows(mask, q, k)], q, attributes);
  },
  rotaryInterleaved(x, heads, cos, sin) {
    const batch = x.shape[0]!;
    const [cosCache, sinCache] = [cos, sin].map((table) => expand(table, [batch, ...table.shape]));
    const attributes = { interleaved: { int: 1 }, num_heads: { int: heads } };
    return emit("RotaryEmbedding", [x, cosCache, sinCache], x, attributes);
  },
  rmsNorm(x, weight, eps) {
    return emit("RMSNormalization", [x, weight], x, { axis: { int: -1 }, epsilon: { float: eps } });
  },
  groupNorm(x, groups, weight, bias, eps) {
    // GroupNormalization has no kernel: the runtime decomposes it, and takes 1.7 times as long as this.
    const grouped = reshape(x, [x.shape[0]!, groups, -1]);
    const ones = x.graph.constant(new Float32Array(groups).fill(1), [groups]);
    const zeros = x.graph.constant(new Float32Array(groups), [groups]);
    const normal = emit("InstanceNormalization", [grouped, ones, zeros], grouped, {
      epsilon: { float: eps },
    });
    return scaleChannels(reshape(normal, x.shape), weight, bias);
  },
};

/** Number of scores (queries times keys) from which the CPU's flash attention is at least as fast as `Attention`. */
const flashScoresMin = 2 ** 18;

/** Bytes of attention scores that one `Attention` may materialise on the CPU. */
const scoreBytesMax = 64 * 2 ** 20;

/**
 * Lowering for the CPU, whose `Attention` materialises the scores of all heads: 17 GiB for two seconds of Wan
 * at 480p. Flash attention (`MultiHeadAttention`) materialises none, but takes no mask and is slower for
 * short sequences. Rows of queries are independent, so masked attention runs over blocks of rows.
 */
const cpu: Lowering = {
  ...fused,
  attention(inputs) {
    const { q, k, v, heads, mask, scale } = inputs;
    const [batch, queries] = q.shape as [number, number, number];
    const keys = k.shape[1]!;
    if (!mask) {
      if (queries * keys < flashScoresMin) return fused.attention(inputs);
      const attributes = { num_heads: { int: heads }, scale: { float: scale } };
      return emit("MultiHeadAttention", [q, k, v], q, attributes, "com.microsoft");
    }
    const rows = Math.max(1, Math.floor(scoreBytesMax / (4 * batch * heads * keys)));
    if (queries <= rows) return fused.attention(inputs);
    const parts = Array.from({ length: Math.ceil(queries / rows) }, (_, index) => {
      const [from, to] = [index * rows, Math.min(queries, (index + 1) * rows)];
      const isSame = (mask.shape.at(-2) ?? 1) === 1;
      const part = { q: slice(q, 1, from, to), mask: isSame ? mask : slice(mask, -2, from, to) };
      return fused.attention({ ...inputs, ...part });
    });
    return concat(parts as [Value, ...Value[]], 1);
  },
};

/**
 * Lowering for WebGPU, which has no kernels for the fused operators (they would silently run on the CPU), and
 * whose fused multi-head attention was measured wrong from 64 tokens on.
 */
const decomposed: Lowering = {
  attention({ q, k, v, heads, mask, scale }) {
    const [queries, keys, values] = [q, k, v].map((x) => transpose(splitHeads(x, heads), [0, 2, 1, 3]));
    const scores = mul(matmul(queries!, transpose(keys!, [0, 1, 3, 2])), scale);
    const weights = softmax(cast(mask ? masked(scores, mask) : scores, "float32"));
    return reshape(transpose(matmul(weights, values!), [0, 2, 1, 3]), q.shape);
  },
  rotaryInterleaved(x, heads, cos, sin) {
    const isFlat = x.shape.length === 3;
    const perHead = isFlat ? splitHeads(x, heads) : x;
    const [positions, half] = cos.shape as [number, number];
    const tableShape = isFlat ? [positions, 1, half, 1] : [positions, half, 1];
    const [c, s] = [reshape(cos, tableShape), reshape(sin, tableShape)];
    const pairs = reshape(perHead, [...perHead.shape.slice(0, -1), half, 2]);
    const [even, odd] = split(pairs, -1, 2) as [Value, Value];
    const turned = concat([sub(mul(even, c), mul(odd, s)), add(mul(odd, c), mul(even, s))], -1);
    return reshape(turned, x.shape);
  },
  rmsNorm(x, weight, eps) {
    const meanSquare = reduceMean(mul(x, x), { axes: [-1], keepDims: true });
    return mul(div(x, sqrt(add(meanSquare, eps))), weight);
  },
  groupNorm(x, groups, weight, bias, eps) {
    const grouped = reshape(x, [x.shape[0]!, groups, -1]);
    const centred = sub(grouped, reduceMean(grouped, { axes: [-1], keepDims: true }));
    const variance = reduceMean(mul(centred, centred), { axes: [-1], keepDims: true });
    const normal = reshape(div(centred, sqrt(add(variance, eps))), x.shape);
    return scaleChannels(normal, weight, bias);
  },
};

const loweringByProvider: Record<Provider, Lowering> = { cpu, cuda: fused, webgpu: decomposed };

export function loweringOf({ provider }: Pick<Graph, "provider">): Lowering {
  return loweringByProvider[provider];
}

/** Expands a mask over queries and keys: onnxruntime's `Attention` broadcasts it over batch and heads only. */
function fullRows(mask: Value, q: Value, k: Value): Value {
  return expand(mask, [...mask.shape.slice(0, -2), q.shape[1]!, k.shape[1]!]);
}

function masked(scores: Value, mask: Value): Value {
  return mask.dtype === "bool" ? where(mask, scores, Number.NEGATIVE_INFINITY) : add(scores, mask);
}

/** Returns x * weight + bias, for x [B, C, ...positions] and weight and bias [C]. */
function scaleChannels(x: Value, weight: Value, bias: Value): Value {
  const perChannel = [x.shape[1]!, ...x.shape.slice(2).fill(1)];
  return add(mul(x, reshape(weight, perChannel)), reshape(bias, perChannel));
}

/** Reshapes [B, N, heads * D] to [B, N, heads, D]. */
function splitHeads(x: Value, heads: number): Value {
  return reshape(x, [x.shape[0]!, x.shape[1]!, heads, -1]);
}
