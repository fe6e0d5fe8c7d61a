import type { Graph, Value } from "./graph.ts";
import { softmax } from "./operators/activations.ts";
import { add, cast, mul, where } from "./operators/elementwise.ts";
import { emit } from "./operators/emit.ts";
import { concat, expand, reshape, slice, transpose } from "./operators/layout.ts";
import { matmul } from "./operators/linear.ts";
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
    const rows = rowsWithin(scoreBytesMax, 4 * batch * heads * keys);
    return inRowBlocks({ q, mask, axis: 1, rows }, (part) => fused.attention({ ...inputs, ...part }));
  },
};

/** Bytes of one buffer that every WebGPU adapter offers to a shader. Many offer no more. */
const webgpuBufferBytes = 128 * 2 ** 20;

/**
 * Lowering for WebGPU, which has no kernel for `Attention`, and whose `MultiHeadAttention` was measured wrong from 32
 * tokens on. The scores of a block of rows fit into one buffer.
 */
const webgpu: Lowering = {
  ...fused,
  attention({ q, k, v, heads, mask, scale }) {
    const [batch, keys] = [q.shape[0]!, k.shape[1]!];
    const queries = transpose(splitHeads(mul(q, scale), heads), [0, 2, 1, 3]); // [B, heads, Nq, D]
    const transposedKeys = transpose(splitHeads(k, heads), [0, 2, 3, 1]); // [B, heads, D, Nk]
    const values = transpose(splitHeads(v, heads), [0, 2, 1, 3]); // [B, heads, Nk, D]
    const rows = rowsWithin(webgpuBufferBytes, 4 * batch * heads * keys);
    const mixed = inRowBlocks({ q: queries, mask, axis: 2, rows }, (part) => {
      const scores = matmul(part.q, transposedKeys); // [B, heads, rows, Nk]
      return matmul(softmax(cast(part.mask ? masked(scores, part.mask) : scores, "float32")), values);
    });
    return reshape(transpose(mixed, [0, 2, 1, 3]), q.shape);
  },
};

const loweringByProvider: Record<Provider, Lowering> = { cpu, cuda: fused, webgpu };

export function loweringOf({ provider }: Pick<Graph, "provider">): Lowering {
  return loweringByProvider[provider];
}

/** Expands a mask over queries and keys: onnxruntime's `Attention` broadcasts it over batch and heads only. */
function fullRows(mask: Value, q: Value, k: Value): Value {
  return expand(mask, [...mask.shape.slice(0, -2), q.shape[1]!, k.shape[1]!]);
}

/** Score of a masked key: shaders may assume that there are no infinities, and float16 holds no larger number. */
const maskedScore = -65_504;

function masked(scores: Value, mask: Value): Value {
  return mask.dtype === "bool" ? where(mask, scores, maskedScore) : add(scores, mask);
}

/** Returns how many rows of so many bytes fit, at least one. */
function rowsWithin(bytes: number, rowBytes: number): number {
  return Math.max(1, Math.floor(bytes / rowBytes));
}

/** Queries with the mask of their scores. */
interface QueryRows {
  readonly q: Value;
  readonly mask: Value | undefined;
}

/** Applies `attend` to blocks of at most `rows` queries, which lie along `axis` of q, and concatenates the results. */
function inRowBlocks(
  { q, mask, axis, rows }: QueryRows & { readonly axis: number; readonly rows: number },
  attend: (part: QueryRows) => Value,
): Value {
  const queries = q.shape[axis]!;
  if (queries <= rows) return attend({ q, mask });
  const isSame = (mask?.shape.at(-2) ?? 1) === 1;
  const parts = Array.from({ length: Math.ceil(queries / rows) }, (_, index) => {
    const [from, to] = [index * rows, Math.min(queries, (index + 1) * rows)];
    return attend({ q: slice(q, axis, from, to), mask: isSame || !mask ? mask : slice(mask, -2, from, to) });
  });
  return concat(parts as [Value, ...Value[]], axis);
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
