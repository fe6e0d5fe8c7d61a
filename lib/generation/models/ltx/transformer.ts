import * as z from "zod";
import {
  add,
  attention,
  concat,
  expand,
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
import { givenFramesCondition } from "../conditions/given-frames.ts";
import { timestepCondition } from "../conditions/scalar.ts";
import { textCondition } from "../conditions/text.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import type {
  BlockOutput,
  Conditioning,
  DiffusionTransformer,
  VideoShape,
} from "../diffusion-transformer.ts";
import { SINUSOID_WIDTH, scalarSinusoid } from "../embeddings.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";
import { feedingOf } from "./feeding.ts";
import { rotaryTables } from "./rotary.ts";

/**
 * LTXVideoTransformer3DModel, the transformer of LTX-Video 0.9 (arXiv 2501.00103), with the key names of diffusers:
 * blocks of self-attention over all tokens of a video, cross-attention to the text and a feed-forward layer, modulated
 * by the timestep (adaLN-single). Given frames have a timestep of their own, 0. Pipelines differ in how they give it
 * texts and times.
 *
 * In shapes B is the batch, F, H, W those of the latent (N = F * H * W tokens), D is the width; the text has L rows.
 */

/** Prevents division by zero in the normalisation of queries and keys; no config has it. */
const QK_EPS = 1e-5;

/** Likewise in the last normalisation. */
const HEAD_EPS = 1e-6;

const ltxSchema = z
  .object({
    num_attention_heads: positiveInteger,
    attention_head_dim: positiveInteger.multipleOf(2).min(6),
    num_layers: positiveInteger,
    in_channels: positiveInteger,
    /** Null if the model predicts as many channels as it takes. */
    out_channels: positiveInteger.nullish(),
    cross_attention_dim: positiveInteger,
    caption_channels: positiveInteger,
    norm_eps: z.number().positive().default(1e-6),
    patch_size: z.literal(1).default(1),
    patch_size_t: z.literal(1).default(1),
    activation_fn: z.literal("gelu-approximate").default("gelu-approximate"),
    qk_norm: z.literal("rms_norm_across_heads").default("rms_norm_across_heads"),
    norm_elementwise_affine: z.literal(false).default(false),
    attention_bias: z.literal(true).default(true),
    attention_out_bias: z.literal(true).default(true),
  })
  .refine((c) => (c.out_channels ?? c.in_channels) === c.in_channels, {
    path: ["out_channels"],
    message: "must equal in_channels",
  })
  .refine((c) => c.cross_attention_dim === c.num_attention_heads * c.attention_head_dim, {
    path: ["cross_attention_dim"],
    message: "must equal num_attention_heads * attention_head_dim",
  });

export type LTXConfig = z.infer<typeof ltxSchema>;

export function parseLTXConfig(config: unknown): LTXConfig {
  return parseConfig("LTXVideoTransformer3DModel", ltxSchema, config);
}

/**
 * Builds the transformer for one shape of video.
 *
 * @param pipeline class of the pipeline that feeds it; LTXPipeline by default
 * @throws RangeError if the model cannot make a video of this shape
 */
export function ltx(config: LTXConfig, video: VideoShape, pipeline?: string): DiffusionTransformer {
  const { num_attention_heads: heads, attention_head_dim, in_channels: C, norm_eps } = config;
  const { latent } = video;
  checkLatent(latent, C);
  const D = heads * attention_head_dim;
  const { frames: F, height: H, width: W } = latent;
  const N = F * H * W;
  const timestep = timestepCondition();
  const { timedBy, ...ofText } = feedingOf(pipeline);
  const text = textCondition({ ...ofText, width: config.caption_channels, isMasked: true });
  const given = givenFramesCondition(video.givenFrames ?? 0, F);
  const { givenFrames } = given;

  function embed(g: Graph, z: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning } {
    const sinusoid = timestep.input(g);
    const end = () => g.constant(scalarSinusoid(0), [1, SINUSOID_WIDTH]);
    const rows = givenFrames > 0 ? concat([end(), sinusoid], 0) : sinusoid;
    const step = twoLayers(rows, "time_embed.emb.timestep_embedder", D, silu);
    const modulation = linear(silu(step), ...affine(g, "time_embed.linear", 6 * D, D));
    const { cos, sin } = rotaryTables(g, video, { width: D, timedBy });
    const conditioning = {
      cos,
      sin,
      step: perFrame(step, 1), // [1 or F, 1, D]
      modulation: perFrame(modulation, 6), // [1 or F, 6, D]
      text: twoLayers(text.input(g, batch), "caption_projection", D, (y) => gelu(y, "tanh")), // [B, L, D]
      textMask: text.maskInput(g, batch, N),
    };
    const tokens = transpose(reshape(z, [1, C, N]), [0, 2, 1]);
    return { x: linear(tokens, ...affine(g, "proj_in", D, C)), conditioning }; // [1, N, D]
  }

  /**
   * Returns `count` parameters [1, count, D] that all tokens share, or those of each frame [F, count, D]: the first row
   * for the given frames, the second for the others.
   */
  function perFrame(rows: Value, count: number): Value {
    if (givenFrames === 0) return reshape(rows, [1, count, D]);
    const [atEnd, atStep] = split(reshape(rows, [2, count, D]), 0, 2) as Values<2>;
    const over = (frames: number, row: Value) => expand(row, [frames, count, D]);
    return concat([over(givenFrames, atEnd), over(F - givenFrames, atStep)], 0);
  }

  /** Applies `change` to x [B, N, D], or to [B, F, N / F, D], with which parameters of each frame are broadcast. */
  function onFrames(x: Value, change: (tokens: Value) => Value): Value {
    if (givenFrames === 0) return change(x);
    return reshape(change(reshape(x, [x.shape[0]!, F, H * W, D])), x.shape);
  }

  function block(index: number, x: Value, conditioning: Conditioning): BlockOutput {
    const g = x.graph;
    const name = `transformer_blocks.${index}`;
    return g.scope(name, () => {
      const table = add(g.weight(`${name}.scale_shift_table`, [6, D]), conditioning.modulation!);
      // [1 or F, 1, D] each
      const [shiftAttn, scaleAttn, gateAttn, shiftFf, scaleFf, gateFf] = split(table, 1, 6) as Values<6>;
      const attended = selfAttention(`${name}.attn1`, modulated(x, shiftAttn, scaleAttn), conditioning);
      const a = gated(attended, gateAttn);
      const afterAttn = add(x, a);
      const r = crossAttention(`${name}.attn2`, afterAttn, conditioning); // neither normalised nor gated
      const afterText = add(afterAttn, r);
      const f = gated(feedForward(modulated(afterText, shiftFf, scaleFf), `${name}.ff`, 4 * D), gateFf);
      return { x: add(afterText, f), residuals: [a, r, f], probe: wholeBatch(a, conditioning.text!) };
    });
  }

  /** Returns x / RMS(x) * (1 + scale) + shift. */
  function modulated(x: Value, shift: Value, scale: Value): Value {
    const factor = add(scale, 1);
    if (givenFrames === 0) return add(rmsNorm(x, reshape(factor, [D]), { eps: norm_eps }), shift);
    const ones = x.graph.constant(new Float32Array(D).fill(1), [D]);
    return onFrames(rmsNorm(x, ones, { eps: norm_eps }), (y) => add(mul(y, factor), shift));
  }

  function gated(x: Value, gate: Value): Value {
    return onFrames(x, (y) => mul(gate, y));
  }

  /** Applies self-attention among all tokens of the video. */
  function selfAttention(name: string, x: Value, { cos, sin }: Conditioning): Value {
    return x.graph.scope("attn1", () => {
      const q = turned(normalised(x, name, "q"), cos!, sin!);
      const k = turned(normalised(x, name, "k"), cos!, sin!);
      const y = attention({ q, k, v: project(x, `${name}.to_v`), heads });
      return project(y, `${name}.to_out.0`);
    });
  }

  /** Turns x [B, N, D]. Each head of a token has angles of its own, so the heads are turned as positions. */
  function turned(x: Value, cos: Value, sin: Value): Value {
    const [positions, pairs] = [N * heads, attention_head_dim / 2];
    const perHead = reshape(x, [x.shape[0]!, positions, attention_head_dim]);
    const [c, s] = [reshape(cos, [positions, pairs]), reshape(sin, [positions, pairs])];
    return reshape(rotaryInterleaved(perHead, c, s), x.shape);
  }

  /** Applies cross-attention to the text; x is [1 or B, N, D]. */
  function crossAttention(name: string, x: Value, { text: states, textMask }: Conditioning): Value {
    return x.graph.scope("attn2", () => {
      const q = wholeBatch(normalised(x, name, "q"), states!); // [B, N, D]
      const [k, v] = [normalised(states!, name, "k"), project(states!, `${name}.to_v`)];
      return project(attention({ q, k, v, heads, mask: textMask! }), `${name}.to_out.0`);
    });
  }

  /** Returns queries or keys, normalised over the whole width before they are split into heads. */
  function normalised(x: Value, attn: string, part: "q" | "k"): Value {
    const weight = x.graph.weight(`${attn}.norm_${part}.weight`, [D]);
    return rmsNorm(project(x, `${attn}.to_${part}`), weight, { eps: QK_EPS });
  }

  function project(x: Value, name: string): Value {
    return linear(x, ...affine(x.graph, name, D, D));
  }

  function head(x: Value, { step }: Conditioning): Value {
    const g = x.graph;
    const [shift, scale] = split(add(g.weight("scale_shift_table", [2, D]), step!), 1, 2) as Values<2>;
    const y =
      givenFrames === 0
        ? modulate(x, shift, scale, HEAD_EPS)
        : onFrames(layerNorm(x, { eps: HEAD_EPS }), (y) => add(mul(y, add(scale, 1)), shift));
    const prediction = linear(y, ...affine(g, "proj_out", C, D)); // [B, N, C]
    return reshape(transpose(prediction, [0, 2, 1]), [x.shape[0]!, C, F, H, W]);
  }

  return {
    latent,
    blocks: config.num_layers,
    probeBlock: middleBlock(config.num_layers),
    tokens: N,
    tokensPerFrame: H * W,
    tokenFrames: F,
    width: D,
    conditions: [timestep, text, given],
    text,
    otherTensors: /^$/,
    embed,
    block,
    head,
  };
}
