import * as z from "zod";
import {
  add,
  attention,
  concat,
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
  slice,
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
import { givenFramesCondition } from "../conditions/given-frames.ts";
import { type PictureCondition, pictureCondition } from "../conditions/pictures.ts";
import { timestepCondition } from "../conditions/scalar.ts";
import { textCondition } from "../conditions/text.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import type {
  BlockOutput,
  Conditioning,
  DiffusionTransformer,
  VideoShape,
} from "../diffusion-transformer.ts";
import { exactSinusoid, gridRotaryTables, scalarSinusoid } from "../embeddings.ts";
import type { TensorNames } from "../family.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";
import { attendToPictures, embedStates, pictureStates } from "./image-branch.ts";

/**
 * WanTransformer3DModel, the transformer of Wan 2.1 and 2.2 (arXiv 2503.20314), with the key names of diffusers: blocks
 * of self-attention over all tokens of the video, cross-attention to the text and a feed-forward layer, modulated by
 * the timestep (adaLN-single).
 *
 * Image-to-video models take pictures in further channels, and those of Wan 2.1 also attend to them. Wan 2.2 TI2V-5B
 * has a timestep for each token: 0 for those of a picture that is the first latent frame, and that of the step for
 * others.
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
    /** Width of the states of pictures that blocks attend to. */
    image_dim: positiveInteger.nullish(),
    /** Rows of states of a first and a last picture, each of which has a learnt position. */
    pos_embed_seq_len: positiveInteger.nullish(),
  })
  .transform((c) => ({ ...c, out_channels: c.out_channels ?? c.in_channels }))
  .refine((c) => c.in_channels === c.out_channels || c.in_channels > 2 * c.out_channels, {
    path: ["in_channels"],
    message:
      "must equal out_channels, or be more than twice as many, as in an image-to-video model: " +
      "those of the latent, of a mask and of the pictures",
  });

export type WanConfig = z.infer<typeof wanSchema>;

export function parseWanConfig(config: unknown): WanConfig {
  return parseConfig("WanTransformer3DModel", wanSchema, config);
}

const skyReelsSchema = wanSchema.and(
  z.object({
    // Models that are told the frame rate, or whose frames see only earlier ones, set these.
    inject_sample_info: z.literal(false).default(false),
    num_frame_per_block: z.literal(1).default(1),
  }),
);

export function parseSkyReelsConfig(config: unknown): WanConfig {
  return parseConfig("SkyReelsV2Transformer3DModel", skyReelsSchema, config);
}

/**
 * Builds the transformer of SkyReels-V2 (arXiv 2504.13074). It has Wan's layers; only the timestep's sinusoid is not
 * rounded.
 *
 * @throws RangeError if the model cannot make a video of this shape
 */
export function skyReels(config: WanConfig, video: VideoShape, names?: TensorNames): DiffusionTransformer {
  return wan(config, video, names, exactSinusoid);
}

/**
 * Builds the transformer for one shape of video.
 *
 * @param sinusoid sinusoid of the timestep
 * @throws RangeError if the model cannot make a video of this shape
 */
export function wan(
  config: WanConfig,
  video: VideoShape,
  names?: TensorNames,
  sinusoid = scalarSinusoid,
): DiffusionTransformer {
  const { latent } = video;
  const { num_attention_heads: heads, attention_head_dim, text_dim, freq_dim, eps } = config;
  const D = heads * attention_head_dim;
  const [F, H, W] = patchCounts(config, latent);
  const N = F * H * W;
  const timestep = timestepCondition(freq_dim, sinusoid);
  const text = textCondition({ length: L, width: text_dim, isMasked: false });
  const pictures = picturesOf(config, video, names);
  const given = givenFramesCondition(pictures ? 0 : (video.givenFrames ?? 0), latent.frames);
  /** Tokens of frames that are given, which come first and are told the timestep 0. */
  const keptTokens = Math.ceil(given.givenFrames / config.patch_size[0]) * H * W;
  const rows = keptTokens === 0 ? 1 : 2; // different timesteps

  function embed(g: Graph, z: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning } {
    const embedder = "condition_embedder";
    const step = twoLayers(timesteps(g), `${embedder}.time_embedder`, D, silu); // [rows, D]
    const modulation = linear(silu(step), ...affine(g, `${embedder}.time_proj`, 6 * D, D)); // [rows, 6D]
    const { cos, sin } = gridRotaryTables([F, H, W], attention_head_dim);
    const conditioning = {
      cos: g.constant(cos, [N, attention_head_dim / 2]),
      sin: g.constant(sin, [N, attention_head_dim / 2]),
      step,
      modulation: reshape(modulation, [rows, 6, D]),
      text: twoLayers(text.input(g, batch), `${embedder}.text_embedder`, D, (y) => gelu(y, "tanh")), // [B, L, D]
      // [1, P, D]
      ...(pictures?.pictures?.takesStates && { pictures: embedStates(pictures.statesInput(g), D, config) }),
    };
    return { x: patchify(g, pictures ? concat([z, pictures.input(g)], 1) : z), conditioning };
  }

  /** Returns the sinusoids of the timesteps [rows, width], that of given frames first. */
  function timesteps(g: Graph): Value {
    const now = timestep.input(g);
    if (rows === 1) return now;
    return concat([g.constant(scalarSinusoid(0, freq_dim), [1, freq_dim]), now], 0);
  }

  /** Applies `change` to the tokens x [B, N, D] of each timestep with its row of `table` [rows, parts, D]. */
  function byTimestep(x: Value, table: Value, change: (tokens: Value, row: Value) => Value): Value {
    const row = (i: number) => reshape(slice(table, 0, i, i + 1), [...table.shape.slice(1)]);
    if (rows === 1) return change(x, row(0));
    const [kept, free] = [slice(x, 1, 0, keptTokens), slice(x, 1, keptTokens, N)];
    return concat([change(kept, row(0)), change(free, row(1))], 1);
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
      const table = add(stored, conditioning.modulation!); // [rows, 6, D]
      const { normed, gated } = modulation(table, "attn");
      const a = gated(selfAttention(`${name}.attn1`, normed(x), conditioning));
      const afterAttn = add(x, a);
      const r = crossAttention(`${name}.attn2`, norm(afterAttn, `${name}.norm2`), conditioning);
      const afterText = add(afterAttn, r);
      const ffn = modulation(table, "ffn");
      const f = ffn.gated(feedForward(ffn.normed(afterText), `${name}.ffn`, config.ffn_dim));
      return { x: add(afterText, f), residuals: [a, r, f], probe: wholeBatch(a, conditioning.text!) };
    });
  }

  /** Returns the modulated norm before a layer of a block, and the gate after it. */
  function modulation(table: Value, layer: "attn" | "ffn") {
    const first = layer === "attn" ? 0 : 3;
    const parts = slice(table, 1, first, first + 3); // [rows, 3, D]: shift, scale, gate
    return {
      normed: (x: Value) =>
        byTimestep(x, parts, (tokens, row) => {
          const [shift, scale] = split(row, 0, 3) as Values<3>; // [1, D] each
          return modulate(tokens, shift, scale, eps);
        }),
      gated: (x: Value) => byTimestep(x, parts, (tokens, row) => mul(slice(row, 0, 2, 3), tokens)),
    };
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

  /** Applies cross-attention to the text, and to pictures where the model attends to them; x is [1 or B, N, D]. */
  function crossAttention(name: string, x: Value, conditioning: Conditioning): Value {
    const states = conditioning.text!;
    return x.graph.scope("attn2", () => {
      const q = wholeBatch(normalised(x, name, "q"), states); // [B, N, D]
      const y = attention({ q, k: normalised(states, name, "k"), v: project(states, `${name}.to_v`), heads });
      const seen = conditioning.pictures && attendToPictures(q, conditioning.pictures, name, { heads, eps });
      return project(seen ? add(y, seen) : y, `${name}.to_out.0`);
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
    const channels = config.out_channels;
    const table = add(g.weight("scale_shift_table", [1, 2, D]), reshape(step!, [rows, 1, D])); // [rows, 2, D]
    const patch = patchF * patchH * patchW * channels;
    const normed = byTimestep(x, table, (tokens, row) => {
      const [shift, scale] = split(row, 0, 2) as Values<2>; // [1, D] each
      return modulate(tokens, shift, scale, eps);
    });
    const y = linear(normed, ...affine(g, "proj_out", patch, D)); // [B, N, patch]
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
    conditions: [timestep, text, pictures ?? given],
    text,
    // Files of image-to-video models may have it, and no layer of the reference does.
    otherTensors: /\.norm_added_q\.weight$/,
    embed,
    block,
    head,
  };
}

/**
 * Returns the condition of the pictures that an image-to-video model takes; undefined for a model without further
 * channels. A model that attends to pictures takes a certain number of them; another may be given a last one or not.
 */
function picturesOf(config: WanConfig, video: VideoShape, names?: TensorNames): PictureCondition | undefined {
  const rate = config.in_channels - 2 * config.out_channels;
  if (rate < 1) return undefined;
  const states = pictureStates(config, video, names);
  return pictureCondition({
    latent: video.latent,
    rate,
    hasLastPicture: video.hasLastPicture ?? false,
    counts: states ? [states.pictures] : [1, 2],
    states,
  });
}

function patchCounts(
  { out_channels, patch_size, rope_max_seq_len }: WanConfig,
  latent: VideoShape["latent"],
): [frames: number, height: number, width: number] {
  checkLatent(latent, out_channels);
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
