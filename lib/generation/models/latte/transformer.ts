import * as z from "zod";
import { counted } from "../../../shared/sentences/index.ts";
import {
  add,
  attention,
  conv2d,
  type Graph,
  gelu,
  linear,
  mul,
  reshape,
  silu,
  slice,
  split,
  transpose,
  type Value,
} from "../../onnx/index.ts";
import {
  affine,
  alongTime,
  checkLatent,
  feedForward,
  middleBlock,
  modulate,
  twoLayers,
  type Values,
  wholeBatch,
  withinFrames,
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
import { gridSinusoid, lineSinusoid } from "../embeddings.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";

/**
 * LatteTransformer3DModel, the transformer of Latte-1 (arXiv 2401.03048), with the key names of diffusers: pairs of a
 * spatial and a temporal block, modulated by the timestep (adaLN-single). Only the spatial blocks attend to the text.
 *
 * In shapes B is the batch, F counts frames, H and W patches (N = F * H * W), D is the width, and the text has L rows.
 */

/** Epsilon of the normalisation before the last layer; that of the blocks is `norm_eps`. */
const HEAD_EPS = 1e-6;

/**
 * Largest edge, in latent units, of a square whose positions are those of its patches. Positions of a larger square are
 * scaled down.
 */
const UNSCALED_SIZE = 64;

/** Fields that all checkpoints of this architecture have. */
export const latteFields = z.object({
  num_attention_heads: positiveInteger,
  attention_head_dim: positiveInteger,
  /** Pairs of one spatial and one temporal block. */
  num_layers: positiveInteger,
  in_channels: positiveInteger,
  /**
   * Output channels: twice the input channels if the model also predicts a variance, which sampling does not use; null
   * for those of the input.
   */
  out_channels: positiveInteger.nullish(),
  patch_size: positiveInteger,
  /**
   * Edge in latent units of the square that the model was trained on. Videos of every size use the positions of that
   * square.
   */
  sample_size: positiveInteger,
  /** Number of frames of a latent; the only other number is 1. */
  video_length: positiveInteger,
  caption_channels: positiveInteger,
  cross_attention_dim: positiveInteger,
  norm_eps: z.number().positive(),
  activation_fn: z.literal("gelu-approximate"),
  norm_type: z.literal("ada_norm_single"),
  norm_elementwise_affine: z.literal(false),
  attention_bias: z.literal(true),
});

export type LatteConfig = z.infer<typeof latteFields>;

/**
 * Parses the configuration of a model of this architecture.
 *
 * @throws Error naming `model` and every member that is missing or cannot be built
 */
export function parseLatteFields<T extends LatteConfig>(
  model: string,
  fields: z.ZodType<T>,
  config: unknown,
): T {
  const checked = fields
    .refine((c) => (c.num_attention_heads * c.attention_head_dim) % 4 === 0, {
      path: ["attention_head_dim"],
      message: "times num_attention_heads must be a multiple of 4",
    })
    .refine((c) => c.cross_attention_dim === c.num_attention_heads * c.attention_head_dim, {
      path: ["cross_attention_dim"],
      message: "must be num_attention_heads times attention_head_dim",
    })
    .refine(({ in_channels: into, out_channels: out }) => [into, 2 * into].includes(out ?? into), {
      path: ["out_channels"],
      message: "must be in_channels or twice as many",
    });
  return parseConfig(model, checked, config);
}

export function parseLatteConfig(config: unknown): LatteConfig {
  return parseLatteFields("LatteTransformer3DModel", latteFields, config);
}

/** Properties of models of this architecture that their configs do not hold. */
export interface LatteVariant {
  /** Tokens of the longest text. */
  readonly textLength: number;
  /** Distance between the positions of neighbouring frames. */
  readonly frameDistance: number;
}

/**
 * Builds the transformer for one shape of video.
 *
 * @throws RangeError if the model cannot make a video of this shape
 */
export function latte(
  config: LatteConfig,
  { latent }: VideoShape,
  { textLength: L, frameDistance }: LatteVariant = { textLength: 120, frameDistance: 1 },
): DiffusionTransformer {
  const { num_attention_heads: heads, patch_size: patch, caption_channels, norm_eps } = config;
  const D = heads * config.attention_head_dim;
  checkShape(config, latent);
  const [F, H, W] = [latent.frames, latent.height / patch, latent.width / patch];
  const N = F * H * W;
  const timestep = timestepCondition();
  const text = textCondition({ length: L, width: caption_channels, isMasked: true, sharesLength: true });

  function embed(g: Graph, z: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning } {
    const step = twoLayers(timestep.input(g), "adaln_single.emb.timestep_embedder", D, silu); // [1, D]
    const modulation = linear(silu(step), ...affine(g, "adaln_single.linear", 6 * D, D)); // [1, 6D]
    const conditioning = {
      step,
      modulation: reshape(modulation, [6, D]),
      text: twoLayers(text.input(g, batch), "caption_projection", D, (y) => gelu(y, "tanh")), // [B, L, D]
      textMask: text.maskInput(g, batch, N),
    };
    return { x: patchify(g, z), conditioning };
  }

  function patchify(g: Graph, z: Value): Value {
    const frames = reshape(transpose(z, [0, 2, 1, 3, 4]), [F, latent.channels, latent.height, latent.width]);
    const weight = g.weight("pos_embed.proj.weight", [D, latent.channels, patch, patch]);
    const patches = conv2d(frames, weight, g.weight("pos_embed.proj.bias", [D]), { stride: patch });
    const x = transpose(reshape(patches, [F, D, H * W]), [0, 2, 1]); // [F, H*W, D]
    const edge = Math.floor(config.sample_size / patch);
    const scale = Math.max(1, Math.floor(config.sample_size / UNSCALED_SIZE));
    const positions = gridSinusoid(H, W, D, { down: edge / H / scale, across: edge / W / scale });
    return reshape(add(x, g.constant(positions, [H * W, D])), [1, N, D]); // equal for both guidance halves
  }

  /** Applies spatial block `index` and then temporal block `index`. */
  function block(index: number, x: Value, conditioning: Conditioning): BlockOutput {
    const spatial = spatialBlock(index, x, conditioning);
    const temporal = temporalBlock(index, spatial.x, conditioning);
    return {
      x: temporal.x,
      residuals: [...spatial.residuals, ...temporal.residuals],
      probe: temporal.residuals[0],
    };
  }

  function spatialBlock(index: number, x: Value, conditioning: Conditioning) {
    const name = `transformer_blocks.${index}`;
    return x.graph.scope(name, () => {
      const { attn, ff } = modulations(name, conditioning);
      const a = attn(x, (y) => withinFrames(y, F, (tokens) => selfAttention(`${name}.attn1`, tokens)));
      const afterAttn = add(x, a);
      const r = crossAttention(`${name}.attn2`, afterAttn, conditioning); // neither normalised nor gated
      const afterText = add(afterAttn, r);
      const f = ff(afterText, (y) => feedForward(y, `${name}.ff`, 4 * D));
      const m = index === 0 && F > 1 ? withFramePositions(f) : f;
      return { x: add(afterText, m), residuals: [a, r, m] as const };
    });
  }

  function temporalBlock(index: number, x: Value, conditioning: Conditioning) {
    const name = `temporal_transformer_blocks.${index}`;
    return x.graph.scope(name, () => {
      const { attn, ff } = modulations(name, conditioning);
      const a = attn(x, (y) => alongTime(y, F, (tokens) => selfAttention(`${name}.attn1`, tokens)));
      const afterAttn = add(x, a);
      const m = ff(afterAttn, (y) => feedForward(y, `${name}.ff`, 4 * D));
      return { x: add(afterAttn, m), residuals: [a, m] as const };
    });
  }

  /**
   * Returns the two ways in which a block applies a layer, to attention and to feed-forward: the input is modulated,
   * the output is gated.
   */
  function modulations(block: string, { modulation }: Conditioning) {
    const table = add(modulation!.graph.weight(`${block}.scale_shift_table`, [6, D]), modulation!); // [6, D]
    // [1, D] each
    const [shiftAttn, scaleAttn, gateAttn, shiftFf, scaleFf, gateFf] = split(table, 0, 6) as Values<6>;
    type Layer = (y: Value) => Value;
    return {
      attn: (x: Value, layer: Layer) => mul(gateAttn, layer(modulate(x, shiftAttn, scaleAttn, norm_eps))),
      ff: (x: Value, layer: Layer) => mul(gateFf, layer(modulate(x, shiftFf, scaleFf, norm_eps))),
    };
  }

  function selfAttention(name: string, tokens: Value): Value {
    return tokens.graph.scope("attn1", () => {
      const [q, k, v] = (["q", "k", "v"] as const).map((part) => project(tokens, `${name}.to_${part}`));
      return project(attention({ q: q!, k: k!, v: v!, heads }), `${name}.to_out.0`);
    });
  }

  function crossAttention(name: string, x: Value, conditioning: Conditioning): Value {
    const states = conditioning.text!;
    return x.graph.scope("attn2", () => {
      const q = wholeBatch(project(x, `${name}.to_q`), states); // [B, N, D]
      const [k, v] = [project(states, `${name}.to_k`), project(states, `${name}.to_v`)];
      return project(attention({ q, k, v, heads, mask: conditioning.textMask! }), `${name}.to_out.0`);
    });
  }

  function project(x: Value, name: string): Value {
    return linear(x, ...affine(x.graph, name, D, D));
  }

  /** Adds the temporal positions of frames, before the first temporal block. */
  function withFramePositions(x: Value): Value {
    const positions = x.graph.constant(lineSinusoid(F, D, frameDistance), [F, 1, D]);
    return reshape(add(reshape(x, [x.shape[0]!, F, H * W, D]), positions), x.shape);
  }

  function head(x: Value, { step }: Conditioning): Value {
    const g = x.graph;
    const channels = config.out_channels ?? config.in_channels;
    const table = add(g.weight("scale_shift_table", [2, D]), step!);
    const [shift, scale] = split(table, 0, 2) as Values<2>; // [1, D] each
    const weights = affine(g, "proj_out", patch * patch * channels, D);
    const y = linear(modulate(x, shift, scale, HEAD_EPS), ...weights); // [B, N, patch * patch * C]
    const B = x.shape[0]!;
    const patches = slice(reshape(y, [B, F, H, W, patch, patch, channels]), 6, 0, latent.channels);
    const grid = transpose(patches, [0, 6, 1, 2, 4, 3, 5]); // [B, C, F, H, patch, W, patch]
    return reshape(grid, [B, latent.channels, F, latent.height, latent.width]);
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
    otherTensors: /^caption_projection\.y_embedding$/,
    embed,
    block,
    head,
  };
}

function checkShape(config: LatteConfig, latent: VideoShape["latent"]): void {
  const { in_channels, patch_size, video_length } = config;
  checkLatent(latent, in_channels);
  if (latent.frames !== 1 && latent.frames !== video_length) {
    throw new RangeError(
      `A latent of this model has ${counted(video_length, "frame")} or 1, and this one has ${latent.frames}.`,
    );
  }
  for (const [name, size] of Object.entries({ height: latent.height, width: latent.width })) {
    if (size % patch_size !== 0) {
      throw new RangeError(
        `A latent's ${name} must be a multiple of ${patch_size}, and this one is ${size}.`,
      );
    }
  }
}
