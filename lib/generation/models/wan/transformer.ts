import * as z from "zod";
import {
  add,
  attention,
  conv3d,
  type Graph,
  gelu,
  layerNorm,
  linear,
  mul,
  reshape,
  rmsNorm,
  rotaryInterleaved,
  silu,
  split,
  transpose,
  type Value,
} from "../../onnx/index.ts";
import {
  affine,
  checkLatent,
  feedForward,
  middleBlock,
  modulate,
  twoLayers,
  type Values,
  wholeBatch,
} from "../blocks.ts";
import { timestepCondition } from "../conditions/scalar.ts";
import { textCondition } from "../conditions/text.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import type {
  BlockOutput,
  Conditioning,
  DiffusionTransformer,
  VideoShape,
} from "../diffusion-transformer.ts";
import { gridRotaryTables } from "../embeddings.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";

/**
 * WanTransformer3DModel, the text-to-video transformer of Wan 2.1 and of each half of Wan 2.2 A14B (arXiv 2503.20314),
 * with the key names of diffusers: blocks of self-attention over all tokens of the video, cross-attention to the text
 * and a feed-forward layer, modulated by the timestep (adaLN-single).
 *
 * In shapes B is the batch, F, H, W count patches (N = F * H * W), D is the width, and the text has L rows.
 */

/** Rows of text. The model attends to all of them without a mask; the rows after a prompt are zeros. */
const L = 512;

const wanSchema = z
  .object({
    num_attention_heads: positiveInteger,
    attention_head_dim: positiveInteger.multipleOf(2).min(6),
    num_layers: positiveInteger,
    ffn_dim: positiveInteger,
    in_channels: positiveInteger,
    /** Null for the channels of the input. */
    out_channels: positiveInteger.nullish(),
    /** Patch extent along frames, height and width. */
    patch_size: z.tuple([positiveInteger, positiveInteger, positiveInteger]),
    text_dim: positiveInteger,
    /** Width of the timestep's sinusoid. */
    freq_dim: positiveInteger.multipleOf(2),
    eps: z.number().positive(),
    /** Largest number of patches along one axis that positions exist for. */
    rope_max_seq_len: positiveInteger,
    cross_attn_norm: z.literal(true),
    // The class normalises over all heads whatever it says.
    qk_norm: z.string().nullish(),
    // Image-to-video models, which are not supported, attend to an image too or take it in further channels.
    image_dim: z.null().optional(),
    added_kv_proj_dim: z.null().optional(),
  })
  .refine((c) => c.in_channels === (c.out_channels ?? c.in_channels), {
    path: ["in_channels"],
    message: "must equal out_channels, as in a text-to-video model",
  });

export type WanConfig = z.infer<typeof wanSchema>;

export function parseWanConfig(config: unknown): WanConfig {
  return parseConfig("WanTransformer3DModel", wanSchema, config);
}

/**
 * Builds the transformer for one shape of video.
 *
 * @throws RangeError if the model cannot make a video of this shape
 */
export function wan(config: WanConfig, { latent }: VideoShape): DiffusionTransformer {
  const { num_attention_heads: heads, attention_head_dim, text_dim, freq_dim, eps } = config;
  const D = heads * attention_head_dim;
  const [F, H, W] = patchCounts(config, latent);
  const N = F * H * W;
  const timestep = timestepCondition(freq_dim);
  const text = textCondition({ length: L, width: text_dim, isMasked: false });

  function embed(g: Graph, z: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning } {
    const embedder = "condition_embedder";
    const step = twoLayers(timestep.input(g), `${embedder}.time_embedder`, D, silu);
    const modulation = linear(silu(step), ...affine(g, `${embedder}.time_proj`, 6 * D, D)); // [1, 6D]
    const { cos, sin } = gridRotaryTables([F, H, W], attention_head_dim);
    const conditioning = {
      cos: g.constant(cos, [N, attention_head_dim / 2]),
      sin: g.constant(sin, [N, attention_head_dim / 2]),
      step, // [1, D]
      modulation: reshape(modulation, [6, D]),
      text: twoLayers(text.input(g, batch), `${embedder}.text_embedder`, D, (y) => gelu(y, "tanh")), // [B, L, D]
    };
    return { x: patchify(g, z), conditioning };
  }

  function patchify(g: Graph, z: Value): Value {
    const weight = g.weight("patch_embedding.weight", [D, config.in_channels, ...config.patch_size]);
    const patches = conv3d(z, weight, g.weight("patch_embedding.bias", [D]), { stride: config.patch_size });
    return transpose(reshape(patches, [1, D, N]), [0, 2, 1]); // [1, N, D]; equal for both guidance halves
  }

  function block(index: number, x: Value, conditioning: Conditioning): BlockOutput {
    const g = x.graph;
    const name = `blocks.${index}`;
    return g.scope(name, () => {
      const stored = g.weight(`${name}.scale_shift_table`, [1, 6, D]);
      const table = add(reshape(stored, [6, D]), conditioning.modulation!); // [6, D]
      // [1, D] each
      const [shiftAttn, scaleAttn, gateAttn, shiftFfn, scaleFfn, gateFfn] = split(table, 0, 6) as Values<6>;
      const normed = modulate(x, shiftAttn, scaleAttn, eps);
      const a = mul(gateAttn, selfAttention(`${name}.attn1`, normed, conditioning));
      const afterAttn = add(x, a);
      const r = crossAttention(`${name}.attn2`, norm(afterAttn, `${name}.norm2`), conditioning);
      const afterText = add(afterAttn, r);
      const f = mul(
        gateFfn,
        feedForward(modulate(afterText, shiftFfn, scaleFfn, eps), `${name}.ffn`, config.ffn_dim),
      );
      return { x: add(afterText, f), residuals: [a, r, f], probe: wholeBatch(a, conditioning.text!) };
    });
  }

  function norm(x: Value, name: string): Value {
    const g = x.graph;
    return layerNorm(x, {
      eps,
      weight: g.weight(`${name}.weight`, [D]),
      bias: g.weight(`${name}.bias`, [D]),
    });
  }

  /** Applies self-attention among all tokens of the video. */
  function selfAttention(name: string, x: Value, { cos, sin }: Conditioning): Value {
    return x.graph.scope("attn1", () => {
      const q = rotaryInterleaved(normalised(x, name, "q"), cos!, sin!);
      const k = rotaryInterleaved(normalised(x, name, "k"), cos!, sin!);
      const y = attention({ q, k, v: project(x, `${name}.to_v`), heads });
      return project(y, `${name}.to_out.0`);
    });
  }

  /** Applies cross-attention to the text; x is [1 or B, N, D]. */
  function crossAttention(name: string, x: Value, conditioning: Conditioning): Value {
    const states = conditioning.text!;
    return x.graph.scope("attn2", () => {
      const q = wholeBatch(normalised(x, name, "q"), states); // [B, N, D]
      const y = attention({ q, k: normalised(states, name, "k"), v: project(states, `${name}.to_v`), heads });
      return project(y, `${name}.to_out.0`);
    });
  }

  /** Returns queries or keys, normalised over the whole width before they are split into heads. */
  function normalised(x: Value, attn: string, part: "q" | "k"): Value {
    const weight = x.graph.weight(`${attn}.norm_${part}.weight`, [D]);
    return rmsNorm(project(x, `${attn}.to_${part}`), weight, { eps });
  }

  function project(x: Value, name: string): Value {
    return linear(x, ...affine(x.graph, name, D, D));
  }

  function head(x: Value, { step }: Conditioning): Value {
    const g = x.graph;
    const [patchF, patchH, patchW] = config.patch_size;
    const channels = config.out_channels ?? config.in_channels;
    const table = add(reshape(g.weight("scale_shift_table", [1, 2, D]), [2, D]), step!);
    const [shift, scale] = split(table, 0, 2) as Values<2>; // [1, D] each
    const patch = patchF * patchH * patchW * channels;
    const y = linear(modulate(x, shift, scale, eps), ...affine(g, "proj_out", patch, D)); // [B, N, patch]
    const B = x.shape[0]!;
    const patches = reshape(y, [B, F, H, W, patchF, patchH, patchW, channels]);
    const grid = transpose(patches, [0, 7, 1, 4, 2, 5, 3, 6]); // [B, C, F, patchF, H, patchH, W, patchW]
    return reshape(grid, [B, channels, latent.frames, latent.height, latent.width]);
  }

  return {
    latent,
    blocks: config.num_layers,
    probeBlock: middleBlock(config.num_layers),
    tokens: N,
    tokensPerFrame: H * W,
    tokenFrames: F,
    width: D,
    conditions: [timestep, text],
    text,
    otherTensors: /^$/,
    embed,
    block,
    head,
  };
}

function patchCounts(
  { in_channels, patch_size, rope_max_seq_len }: WanConfig,
  latent: VideoShape["latent"],
): [frames: number, height: number, width: number] {
  checkLatent(latent, in_channels);
  const sizes = { frames: latent.frames, height: latent.height, width: latent.width };
  const counts = Object.entries(sizes).map(([name, size], axis) => {
    const count = size / patch_size[axis]!;
    if (Number.isInteger(count) && count <= rope_max_seq_len) return count;
    const most = patch_size[axis]! * rope_max_seq_len;
    throw new RangeError(
      `A latent's ${name} must be a multiple of ${patch_size[axis]} up to ${most}, and this one is ${size}.`,
    );
  });
  return counts as [number, number, number];
}
