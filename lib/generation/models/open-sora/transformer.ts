import * as z from "zod";
import {
  add,
  attention,
  concat,
  conv3d,
  expand,
  type Graph,
  gelu,
  layerNorm,
  linear,
  mul,
  pad,
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
  alongTime,
  checkLatent,
  middleBlock,
  modulate,
  type Values,
  wholeBatch,
  withinFrames,
} from "../blocks.ts";
import type { TextStates } from "../conditions/condition.ts";
import { givenFramesCondition } from "../conditions/given-frames.ts";
import { fpsCondition, timestepCondition } from "../conditions/scalar.ts";
import { type ReadableWeights, textCondition } from "../conditions/text.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import type {
  BlockOutput,
  Conditioning,
  DiffusionTransformer,
  VideoShape,
} from "../diffusion-transformer.ts";
import { gridSinusoid, rotaryTables, SINUSOID_WIDTH, scalarSinusoid } from "../embeddings.ts";
import type { GuidanceBatch } from "../guidance-batch.ts";

/**
 * STDiT3, the transformer of Open-Sora 1.2 (github.com/hpcaitech/Open-Sora, tag v1.2.0): pairs of a spatial and a
 * temporal block, each of self-attention, cross-attention to the text and an MLP, modulated by the timestep
 * (adaLN-single).
 *
 * In shapes B is the batch, F, H, W count patches (N = F * H * W), D is the width, and the text has L rows.
 */

const EPS = 1e-6;
const NULL_CAPTION = "y_embedder.y_embedding";

const stdit3Schema = z
  .object({
    hidden_size: positiveInteger,
    /** Pairs of one spatial and one temporal block. */
    depth: positiveInteger,
    num_heads: positiveInteger,
    mlp_ratio: z.number().positive(),
    /** Patch extent along frames, height and width. */
    patch_size: z.tuple([positiveInteger, positiveInteger, positiveInteger]),
    in_channels: positiveInteger,
    /** True if the model also predicts a variance, which sampling does not use. */
    pred_sigma: z.boolean(),
    caption_channels: positiveInteger,
    model_max_length: positiveInteger.max(4096),
    qk_norm: z.boolean(),
    /** Edge in pixels of the square at which positions keep their scale. */
    input_sq_size: positiveInteger,
  })
  .refine((c) => c.hidden_size % 4 === 0 && c.hidden_size % (2 * c.num_heads) === 0, {
    path: ["hidden_size"],
    message: "must be a multiple of 4 and of twice num_heads",
  });

export type STDiT3Config = z.infer<typeof stdit3Schema>;

export function parseSTDiT3Config(config: unknown): STDiT3Config {
  return parseConfig("STDiT3", stdit3Schema, config);
}

/**
 * Builds the transformer for one shape of video.
 *
 * @throws RangeError if the model cannot make a video of this shape
 */
export function stdit3(config: STDiT3Config, video: VideoShape): DiffusionTransformer {
  const { hidden_size: D, num_heads: heads, caption_channels, model_max_length: L } = config;
  const { latent } = video;
  checkShape(config, video);
  const [patchF, patchH, patchW] = config.patch_size;
  const F = Math.ceil(latent.frames / patchF);
  const H = Math.ceil(latent.height / patchH);
  const W = Math.ceil(latent.width / patchW);
  const N = F * H * W;
  const timestep = timestepCondition();
  const fps = fpsCondition(video.fps);
  const text = textCondition({
    length: L,
    width: caption_channels,
    isMasked: true,
    learntText: (weights, tokens) => nullCaption(weights, config, tokens),
  });
  const given = givenFramesCondition(video.givenFrames ?? 0, latent.frames);
  const { givenFrames } = given;

  function embed(g: Graph, z: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning } {
    const speed = embedScalar(g, "fps_embedder", fps.input(g)); // [1, D]
    const step = add(embedScalar(g, "t_embedder", timestep.input(g)), speed); // [1, D]
    const modulation = modulationAt(g, step);
    const conditioning = {
      step,
      modulation: givenFrames > 0 ? withGivenFrames(g, modulation, speed) : reshape(modulation, [6, D]),
      text: embedText(text.input(g, batch)),
      textMask: text.maskInput(g, batch, N),
    };
    return { x: patchify(g, z), conditioning };
  }

  function modulationAt(g: Graph, step: Value): Value {
    return linear(silu(step), ...affine(g, "t_block.1", 6 * D, D)); // [1, 6D]
  }

  /**
   * Returns the modulation of each frame [6, F, D]. Given frames are free of noise, so they are modulated as at
   * timestep 0.
   */
  function withGivenFrames(g: Graph, modulation: Value, speed: Value): Value {
    const end = g.constant(scalarSinusoid(0), [1, SINUSOID_WIDTH]);
    const atEnd = modulationAt(g, add(embedScalar(g, "t_embedder", end), speed));
    const over = (frames: number, rows: Value) => expand(reshape(rows, [6, 1, D]), [6, frames, D]);
    return concat([over(givenFrames, atEnd), over(F - givenFrames, modulation)], 1);
  }

  function patchify(g: Graph, z: Value): Value {
    const after = [F * patchF - latent.frames, H * patchH - latent.height, W * patchW - latent.width];
    const padded = after.some((n) => n > 0)
      ? pad(z, [[0, 0], [0, 0], ...after.map((n) => [0, n] as const)])
      : z;
    const weight = g.weight("x_embedder.proj.weight", [D, latent.channels, ...config.patch_size]);
    const patches = conv3d(padded, weight, g.weight("x_embedder.proj.bias", [D]), {
      stride: config.patch_size,
    });
    const x = transpose(reshape(patches, [1, D, F, H * W]), [0, 2, 3, 1]); // [1, F, H*W, D]
    const base = Math.round(Math.sqrt(H * W));
    const scale = Math.sqrt(video.height * video.width) / config.input_sq_size;
    const positions = gridSinusoid(H, W, D, { down: base / H / scale, across: base / W / scale });
    return reshape(add(x, g.constant(positions, [H * W, D])), [1, N, D]); // equal for both guidance halves
  }

  function embedScalar(g: Graph, name: string, sinusoid: Value): Value {
    const hidden = silu(linear(sinusoid, ...affine(g, `${name}.mlp.0`, D, SINUSOID_WIDTH)));
    return linear(hidden, ...affine(g, `${name}.mlp.2`, D, D)); // [1, D]
  }

  function embedText(states: Value): Value {
    const g = states.graph;
    const hidden = gelu(linear(states, ...affine(g, "y_embedder.y_proj.fc1", D, caption_channels)), "tanh");
    return linear(hidden, ...affine(g, "y_embedder.y_proj.fc2", D, D)); // [B, L, D]
  }

  /** Applies spatial block `index` and then temporal block `index`. */
  function block(index: number, x: Value, conditioning: Conditioning): BlockOutput {
    const spatial = halfBlock("spatial", index, x, conditioning);
    const temporal = halfBlock("temporal", index, spatial.x, conditioning);
    return {
      x: temporal.x,
      residuals: [...spatial.residuals, ...temporal.residuals],
      probe: temporal.residuals[0],
    };
  }

  function halfBlock(kind: "spatial" | "temporal", index: number, x: Value, conditioning: Conditioning) {
    const g = x.graph;
    const name = `${kind}_blocks.${index}`;
    return g.scope(name, () => {
      const { modulation } = conditioning;
      const own = g.weight(`${name}.scale_shift_table`, [6, D]);
      const table = add(givenFrames > 0 ? reshape(own, [6, 1, D]) : own, modulation!);
      // [1, D] each, or [1, F, D] where frames are given
      const [shiftAttn, scaleAttn, gateAttn, shiftMlp, scaleMlp, gateMlp] = split(table, 0, 6) as Values<6>;
      const a = gate(gateAttn, selfAttention(kind, name, modulateFrames(x, shiftAttn, scaleAttn)));
      const afterAttn = add(x, a);
      const r = crossAttention(name, afterAttn, conditioning); // neither normalised nor gated
      const afterText = add(afterAttn, r);
      const m = gate(gateMlp, mlp(name, modulateFrames(afterText, shiftMlp, scaleMlp)));
      return { x: add(afterText, m), residuals: [a, r, m] as const };
    });
  }

  function modulateFrames(x: Value, shift: Value, scale: Value): Value {
    if (givenFrames === 0) return modulate(x, shift, scale, EPS);
    const normal = layerNorm(x, { eps: EPS });
    return onFrames(normal, (y) => add(mul(y, add(perFrame(scale), 1)), perFrame(shift)));
  }

  function gate(factor: Value, x: Value): Value {
    return givenFrames === 0 ? mul(factor, x) : onFrames(x, (y) => mul(perFrame(factor), y));
  }

  /** Applies `change` to the tokens as [B, F, N / F, D], with which a parameter [F, 1, D] is broadcast. */
  function onFrames(x: Value, change: (tokens: Value) => Value): Value {
    return reshape(change(reshape(x, [x.shape[0]!, F, H * W, D])), x.shape);
  }

  function perFrame(parameter: Value): Value {
    return reshape(parameter, [F, 1, D]);
  }

  /** Applies self-attention within each frame, or along time at each position; x is [B, N, D]. */
  function selfAttention(kind: "spatial" | "temporal", block: string, x: Value): Value {
    const g = x.graph;
    const name = `${block}.attn`;
    const turn = kind === "temporal" ? rotate : (y: Value) => y;
    const mix = (tokens: Value) => {
      const [q, k, v] = split(linear(tokens, ...affine(g, `${name}.qkv`, 3 * D, D)), 2, 3) as Values<3>;
      return attention({
        q: turn(normHeads(q, `${name}.q_norm`)),
        k: turn(normHeads(k, `${name}.k_norm`)),
        v,
        heads,
      });
    };
    return g.scope("attn", () => {
      const y = kind === "temporal" ? alongTime(x, F, mix) : withinFrames(x, F, mix);
      return linear(y, ...affine(g, `${name}.proj`, D, D));
    });
  }

  function normHeads(x: Value, name: string): Value {
    if (!config.qk_norm) return x;
    const weight = x.graph.weight(`${name}.weight`, [D / heads]);
    return reshape(
      rmsNorm(reshape(x, [...x.shape.slice(0, 2), heads, D / heads]), weight, { eps: EPS }),
      x.shape,
    );
  }

  function rotate(x: Value): Value {
    const { cos, sin } = rotaryTables(F, D / heads);
    const shape = [F, D / heads / 2];
    return rotaryInterleaved(x, x.graph.constant(cos, shape), x.graph.constant(sin, shape));
  }

  function crossAttention(block: string, x: Value, conditioning: Conditioning): Value {
    const g = x.graph;
    const name = `${block}.cross_attn`;
    return g.scope("cross_attn", () => {
      const q = linear(x, ...affine(g, `${name}.q_linear`, D, D)); // [1 or B, N, D]
      const [k, v] = split(
        linear(conditioning.text!, ...affine(g, `${name}.kv_linear`, 2 * D, D)),
        2,
        2,
      ) as Values<2>;
      const y = attention({
        q: wholeBatch(q, conditioning.text!),
        k,
        v,
        heads,
        mask: conditioning.textMask!,
      });
      return linear(y, ...affine(g, `${name}.proj`, D, D));
    });
  }

  function mlp(block: string, x: Value): Value {
    const g = x.graph;
    const hidden = Math.floor(D * config.mlp_ratio);
    return g.scope("mlp", () => {
      const y = gelu(linear(x, ...affine(g, `${block}.mlp.fc1`, hidden, D)), "tanh"); // [B, N, hidden]
      return linear(y, ...affine(g, `${block}.mlp.fc2`, D, hidden));
    });
  }

  /**
   * Modulates given frames like all others, unlike the authors, because the prediction for given frames is not used.
   */
  function head(x: Value, { step }: Conditioning): Value {
    const g = x.graph;
    const channels = latent.channels * (config.pred_sigma ? 2 : 1);
    const patch = patchF * patchH * patchW * channels;
    const table = add(g.weight("final_layer.scale_shift_table", [2, D]), step!);
    const [shift, scale] = split(table, 0, 2) as Values<2>; // [1, D] each
    const y = linear(modulate(x, shift, scale, EPS), ...affine(g, "final_layer.linear", patch, D)); // [B, N, patch]
    const B = x.shape[0]!;
    const patches = reshape(y, [B, F, H, W, patchF, patchH, patchW, channels]);
    const mean = slice(patches, 7, 0, latent.channels);
    const grid = transpose(mean, [0, 7, 1, 4, 2, 5, 3, 6]); // [B, C, F, patchF, H, patchH, W, patchW]
    const whole = reshape(grid, [B, latent.channels, F * patchF, H * patchH, W * patchW]);
    const extent = [latent.frames, latent.height, latent.width];
    return extent.reduce((v, size, i) => (v.shape[i + 2] === size ? v : slice(v, i + 2, 0, size)), whole);
  }

  return {
    latent,
    blocks: config.depth,
    probeBlock: middleBlock(config.depth),
    tokens: N,
    tokensPerFrame: H * W,
    tokenFrames: F,
    width: D,
    conditions: [timestep, fps, text, given],
    text,
    otherTensors: /^(y_embedder\.y_embedding|rope\.freqs)$/,
    embed,
    block,
    head,
  };
}

/**
 * Returns the unconditional text for a prompt of `tokens` tokens: as many rows of a tensor that the model learnt with
 * its weights.
 *
 * @throws RangeError if the prompt is longer than the model was trained for
 */
async function nullCaption(
  weights: ReadableWeights,
  config: STDiT3Config,
  tokens: number,
): Promise<TextStates> {
  if (tokens > config.model_max_length) {
    throw new RangeError(
      `A prompt of ${tokens} tokens is longer than the model's ${config.model_max_length}.`,
    );
  }
  const rows = await weights.read(NULL_CAPTION); // [L, caption_channels]
  return { tokens, data: rows.slice(0, tokens * config.caption_channels) };
}

function checkShape(config: STDiT3Config, { latent, height, width, fps, givenFrames = 0 }: VideoShape): void {
  checkLatent(latent, config.in_channels);
  if (givenFrames > 0 && config.patch_size[0] !== 1) {
    throw new RangeError("This model cannot take a first frame: its patches span several frames.");
  }
  for (const [name, value] of Object.entries({ height, width, fps })) {
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`A video's ${name} must be above 0, and this one is ${value}.`);
    }
  }
}
