import * as z from "zod";
import {
  add,
  attention,
  concat,
  conv2d,
  Graph,
  gelu,
  layerNorm,
  linear,
  mul,
  reshape,
  sigmoid,
  transpose,
  type Value,
} from "../onnx/index.ts";
import { affine } from "./blocks.ts";
import type { BuildOptions } from "./build-options.ts";
import { parseConfig, positiveInteger } from "./config.ts";
import { type VisionEncoder, visionNames } from "./image-encoder.ts";

/**
 * Vision tower of CLIP (arXiv 2103.00020), with the key names of transformers. Its states are those before the last
 * layer, as image-to-video models take them.
 *
 * In shapes T is the number of states: one of the class token and one of each patch. D is their width.
 */

const schema = z
  .object({
    hidden_size: positiveInteger,
    intermediate_size: positiveInteger,
    num_hidden_layers: positiveInteger,
    num_attention_heads: positiveInteger,
    num_channels: z.literal(3).default(3),
    image_size: positiveInteger,
    patch_size: positiveInteger,
    hidden_act: z.enum(["gelu", "quick_gelu"]).default("quick_gelu"),
    layer_norm_eps: z.number().positive().default(1e-5),
  })
  .refine((c) => c.hidden_size % c.num_attention_heads === 0, {
    path: ["hidden_size"],
    message: "must be a multiple of num_attention_heads",
  });

export type CLIPVisionConfig = z.infer<typeof schema>;

export function parseCLIPVisionConfig(config: unknown): CLIPVisionConfig {
  return parseConfig("CLIPVisionModel", schema, config);
}

export function clipVisionEncoder(config: CLIPVisionConfig): VisionEncoder {
  const { hidden_size, num_hidden_layers, image_size: side } = config;
  return {
    side,
    tokens: tokensOf(config),
    width: hidden_size,
    otherTensors: new RegExp(
      String.raw`(^|\.)(post_layernorm\.|visual_projection\.|embeddings\.position_ids$|encoder\.layers\.${num_hidden_layers - 1}\.)`,
    ),
    build: (options) => buildEncoder(config, options),
  };
}

function tokensOf({ image_size, patch_size }: CLIPVisionConfig): number {
  return 1 + Math.floor(image_size / patch_size) ** 2;
}

function buildEncoder(config: CLIPVisionConfig, options: BuildOptions): Graph {
  const { hidden_size: D, num_attention_heads: heads, patch_size, image_size, layer_norm_eps: eps } = config;
  const T = tokensOf(config);
  const g = new Graph(options);
  const prefix = options.weights.has("embeddings.class_embedding") ? "" : "vision_model."; // by the library that saved it
  const pixels = g.input(visionNames.pixels, "float32", [1, 3, image_size, image_size]);

  let x = norm(embed(pixels), `${prefix}pre_layrnorm`);
  for (let i = 0; i < config.num_hidden_layers - 1; i++) {
    const name = `${prefix}encoder.layers.${i}`;
    g.scope(name, () => {
      x = add(x, selfAttention(norm(x, `${name}.layer_norm1`), `${name}.self_attn`));
      x = add(x, mlp(norm(x, `${name}.layer_norm2`), `${name}.mlp`));
    });
  }
  g.output(visionNames.states, x);
  return g;

  /** Returns the class token and the patches with their positions [1, T, D]. */
  function embed(picture: Value): Value {
    const name = `${prefix}embeddings`;
    const weight = g.weight(`${name}.patch_embedding.weight`, [D, 3, patch_size, patch_size]);
    const patches = conv2d(picture, weight, undefined, { stride: patch_size }); // [1, D, rows, columns]
    const tokens = transpose(reshape(patches, [1, D, T - 1]), [0, 2, 1]);
    const classToken = reshape(g.weight(`${name}.class_embedding`, [D]), [1, 1, D]);
    return add(concat([classToken, tokens], 1), g.weight(`${name}.position_embedding.weight`, [T, D]));
  }

  function norm(y: Value, name: string): Value {
    return layerNorm(y, {
      eps,
      weight: g.weight(`${name}.weight`, [D]),
      bias: g.weight(`${name}.bias`, [D]),
    });
  }

  function selfAttention(y: Value, name: string): Value {
    const project = (part: string) => linear(y, ...affine(g, `${name}.${part}_proj`, D, D));
    const mixed = attention({ q: project("q"), k: project("k"), v: project("v"), heads });
    return linear(mixed, ...affine(g, `${name}.out_proj`, D, D));
  }

  function mlp(y: Value, name: string): Value {
    const hidden = linear(y, ...affine(g, `${name}.fc1`, config.intermediate_size, D));
    const active =
      config.hidden_act === "gelu" ? gelu(hidden, "none") : mul(hidden, sigmoid(mul(hidden, 1.702)));
    return linear(active, ...affine(g, `${name}.fc2`, D, config.intermediate_size));
  }
}
