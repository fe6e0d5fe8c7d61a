import * as z from "zod";
import {
  add,
  attention,
  cast,
  Graph,
  gather,
  gelu,
  less,
  linear,
  mul,
  reshape,
  rmsNorm,
  slice,
  type Tensor,
  transpose,
  type Value,
} from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";
import { parseConfig, positiveInteger } from "./config.ts";
import type { PaddingOptions, TextEncoder } from "./text-encoder.ts";
import { keyMask } from "./text-feeds.ts";

/**
 * Encoders of T5 v1.1 (arXiv 1910.10683, gated GELU as in arXiv 2002.05202) and of UMT5 (arXiv 2304.09151), with the
 * key names of transformers. UMT5 is T5 with a position bias of its own in every block.
 *
 * In shapes N is the padded length, D the width of the stream.
 */

const t5Schema = z
  .object({
    vocab_size: positiveInteger,
    d_model: positiveInteger,
    d_kv: positiveInteger,
    d_ff: positiveInteger,
    num_layers: positiveInteger,
    num_heads: positiveInteger,
    // Both names are the approximation by tanh.
    feed_forward_proj: z.enum(["gated-gelu", "gated-gelu_new"]),
    // A decoder would not let a token attend to later ones.
    is_decoder: z.literal(false).default(false),
    layer_norm_epsilon: z.number().positive().default(1e-6),
    /** Number of buckets: half are for each direction, and half of those are for a single distance each. */
    relative_attention_num_buckets: positiveInteger.multipleOf(4).default(32),
    relative_attention_max_distance: positiveInteger.default(128),
  })
  .refine((c) => c.relative_attention_max_distance > c.relative_attention_num_buckets / 4, {
    path: ["relative_attention_max_distance"],
    message: "must be more than a quarter of relative_attention_num_buckets",
  });

/** Names of the embedding table. The stored name depends on the library that saved the checkpoint. */
const embeddingNames = ["shared.weight", "encoder.embed_tokens.weight"] as const;

export type T5Config = z.infer<typeof t5Schema>;

export function parseT5Config(config: unknown): T5Config {
  return parseConfig("T5EncoderModel", t5Schema, config);
}

export function parseUMT5Config(config: unknown): T5Config {
  return parseConfig("UMT5EncoderModel", t5Schema, config);
}

/** Returns the encoder of T5. Inputs `ids` int64 [1, N] and `keyMask` [1, N]; output `states` [1, N, D]. */
export function t5Encoder(config: T5Config): TextEncoder {
  return encoder(config, { sharesPositionBias: true });
}

/** Returns the encoder of UMT5, with the inputs and the output of `t5Encoder`. */
export function umt5Encoder(config: T5Config): TextEncoder {
  return encoder(config, { sharesPositionBias: false });
}

interface Variant {
  /** True if block 0 alone stores a table of biases, which all blocks use. */
  readonly sharesPositionBias: boolean;
}

function encoder(config: T5Config, variant: Variant): TextEncoder {
  return {
    width: config.d_model,
    // A checkpoint of the whole T5 can be used too; its decoder is not run.
    otherTensors: /^(shared\.|encoder\.embed_tokens\.|decoder\.|lm_head\.)/,
    build: (length, options) => buildEncoder(config, variant, length, options),
    feeds: (ids, length, options) => t5Feeds(config, ids, length, options),
  };
}

function buildEncoder(
  config: T5Config,
  { sharesPositionBias }: Variant,
  N: number,
  options: BuildOptions,
): Graph {
  const { d_model: D, num_heads: heads, d_ff, layer_norm_epsilon: eps } = config;
  const inner = heads * config.d_kv;
  const g = new Graph(options);
  const ids = g.input("ids", "int64", [1, N]);
  const padding = reshape(g.input("keyMask", "float32", [1, N]), [1, 1, 1, N]);

  const embedding = embeddingNames.find((name) => options.weights.has(name)) ?? embeddingNames[0];
  let x = gather(g.weight(embedding, [config.vocab_size, D]), ids); // [1, N, D]
  const buckets = g.constant(relativeBuckets(config, N), [N, N]);
  let bias = positionBias(0, x);
  for (let i = 0; i < config.num_layers; i++) {
    g.scope(`encoder.block.${i}`, () => {
      if (i > 0 && !sharesPositionBias) bias = positionBias(i, x);
      x = add(x, selfAttention(norm(x, `encoder.block.${i}.layer.0.layer_norm`), i));
      x = add(x, feedForward(norm(x, `encoder.block.${i}.layer.1.layer_norm`), i));
    });
  }
  g.output("states", norm(x, "encoder.final_layer_norm"));
  return g;

  function norm(y: Value, name: string): Value {
    return rmsNorm(y, g.weight(`${name}.weight`, [D]), { eps });
  }

  function selfAttention(y: Value, i: number): Value {
    const name = `encoder.block.${i}.layer.0.SelfAttention`;
    const [q, k, v] = ["q", "k", "v"].map((part) =>
      linear(y, g.weight(`${name}.${part}.weight`, [inner, D])),
    );
    // The initialisation of T5 absorbs 1 / sqrt(d_kv), so the scores are not scaled.
    const mixed = attention({ q: q!, k: k!, v: v!, heads, mask: bias, scale: 1 }); // [1, N, inner]
    return linear(mixed, g.weight(`${name}.o.weight`, [D, inner]));
  }

  /**
   * Returns the bias that block i adds to its scores [1, heads, N, N]: its stored bias for each distance, plus the
   * padding mask. y is the input of the block.
   */
  function positionBias(i: number, y: Value): Value {
    const name = `encoder.block.${i}.layer.0.SelfAttention.relative_attention_bias.weight`;
    const table = transpose(g.weight(name, [config.relative_attention_num_buckets, heads]), [1, 0]);
    const byDistance = gather(table, notBefore(y, buckets), 1); // [heads, N, N]
    return add(reshape(byDistance, [1, heads, N, N]), padding);
  }

  /**
   * Returns `index` [N, N] as a value that depends on y. Otherwise the runtime would compute everything that depends on
   * constants alone when it opens the model, or all of it before the first block: 64 MiB for each block of UMT5-XXL.
   */
  function notBefore(y: Value, index: Value): Value {
    const one = slice(y, 2, 0, 1); // [1, N, 1]
    return add(index, reshape(cast(less(one, one), "int64"), [1, N]));
  }

  function feedForward(y: Value, i: number): Value {
    const name = `encoder.block.${i}.layer.1.DenseReluDense`;
    const gate = gelu(linear(y, g.weight(`${name}.wi_0.weight`, [d_ff, D])), "tanh"); // [1, N, d_ff]
    const hidden = mul(gate, linear(y, g.weight(`${name}.wi_1.weight`, [d_ff, D])));
    return linear(hidden, g.weight(`${name}.wo.weight`, [D, d_ff]));
  }
}

/** Returns the bucket of every query and key, [N, N]. */
function relativeBuckets(config: T5Config, N: number): BigInt64Array {
  const index = new BigInt64Array(N * N);
  for (let query = 0; query < N; query++) {
    for (let key = 0; key < N; key++) index[query * N + key] = BigInt(relativeBucket(key - query, config));
  }
  return index;
}

/**
 * Returns the bucket of a signed distance. Half of the buckets are for each direction. Near distances have a bucket
 * each; farther ones share logarithmic buckets up to the maximum.
 */
function relativeBucket(distance: number, config: T5Config): number {
  const half = config.relative_attention_num_buckets / 2;
  const exact = half / 2;
  const direction = distance > 0 ? half : 0;
  const n = Math.abs(distance);
  if (n < exact) return direction + n;
  const octaves = Math.log(n / exact) / Math.log(config.relative_attention_max_distance / exact);
  return direction + Math.min(half - 1, exact + Math.floor(octaves * (half - exact)));
}

function t5Feeds(
  config: T5Config,
  ids: readonly number[],
  length: number,
  { encodesPadding = false }: PaddingOptions = {},
): Record<string, Tensor> {
  if (ids.length < 1 || ids.length > length) {
    throw new RangeError(`A prompt must have from 1 to ${length} tokens, and this one has ${ids.length}.`);
  }
  const stray = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocab_size);
  if (stray !== undefined) {
    throw new RangeError(`Token ${stray} is outside the text encoder's vocabulary of ${config.vocab_size}.`);
  }
  const padded = new BigInt64Array(length);
  padded.set(ids.map(BigInt));
  return {
    ids: { dtype: "int64", shape: [1, length], data: padded },
    keyMask: {
      dtype: "float32",
      shape: [1, length],
      data: keyMask(encodesPadding ? length : ids.length, length),
    },
  };
}
