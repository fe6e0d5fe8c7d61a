import * as z from "zod";
import {
  add,
  attention,
  concat,
  conv2d,
  conv3d,
  div,
  expand,
  Graph,
  linear,
  mul,
  pad,
  reduceL2,
  reshape,
  silu,
  slice,
  split,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../../onnx/index.ts";
import type { Values } from "../blocks.ts";
import type { BuildOptions } from "../build-options.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import {
  causalLatentFrames,
  type DecoderRun,
  decoderNames,
  framesPerRun,
  type LatentDecoder,
  type LatentExtent,
} from "../latent-decoder.ts";
import { asFrames, asVideo } from "../video-axes.ts";

/**
 * Decoder of Wan's causal video autoencoder (arXiv 2503.20314), with the key names of diffusers' AutoencoderKLWan. The
 * first latent frame becomes one frame of the video, and every other becomes several. No frame depends on a later one.
 *
 * In shapes F, H, W are those of the stage at hand, and the batch is 1.
 */

/** Prevents 0/0 in the normalisation, as the 1e-12 under the root of the reference does. */
const TINY = 1e-12;

/** Number of earlier frames that a convolution over time sees. */
const PAST = 2;

const schema = z
  .object({
    base_dim: positiveInteger.multipleOf(2),
    decoder_base_dim: positiveInteger.multipleOf(2).nullish(),
    z_dim: positiveInteger,
    /** Channel multipliers from the picture inwards; the decoder uses them in reverse order. */
    dim_mult: z.array(positiveInteger).nonempty(),
    num_res_blocks: positiveInteger,
    /** True for each stage of the encoder that halves the frames too; the decoder uses them in reverse order. */
    temperal_downsample: z.array(z.boolean()),
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number().positive()),
    out_channels: z.literal(3).default(3),
    // The autoencoder of Wan 2.2 5B, which has another architecture, sets it.
    is_residual: z.literal(false).default(false),
    patch_size: z.null().optional(),
  })
  .refine((c) => c.temperal_downsample.length === c.dim_mult.length - 1, {
    path: ["temperal_downsample"],
    message: "must have one entry less than dim_mult",
  })
  .refine((c) => c.latents_mean.length === c.z_dim && c.latents_std.length === c.z_dim, {
    path: ["latents_mean"],
    message: "and latents_std must have z_dim entries each",
  });

export type AutoencoderKLWanConfig = z.infer<typeof schema>;

export function parseAutoencoderKLWanConfig(config: unknown): AutoencoderKLWanConfig {
  return parseConfig("AutoencoderKLWan", schema, config);
}

/**
 * Number of latent frames up to which one run over all of them needs no more memory than the state that runs pass on.
 */
const WHOLE_FRAMES_MAX = 6;

/**
 * Decodes a short or small latent in one run. Other latents take several runs: one for the first latent frame, and then
 * one for a few frames at a time. Both give the frames of the reference: a convolution over time passes its last two
 * frames to the next run and sees nothing else of the past.
 *
 * Memory, measured in float32 on the CPU: 2 KB for each pixel of a video that is decoded in one run. In several runs it
 * is 40 KB for each pixel of a frame, however many frames there are: 16 GB at 480x832 pixels.
 */
export function autoencoderKLWanDecoder(config: AutoencoderKLWanConfig): LatentDecoder {
  const scale = 2 ** (config.dim_mult.length - 1);
  const rate = 2 ** config.temperal_downsample.filter(Boolean).length;
  return {
    channels: config.z_dim,
    scale,
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs({ frames, height, width }) {
      const pixels = height * width * scale ** 2 * rate; // of each latent frame
      if (frames <= WHOLE_FRAMES_MAX || framesPerRun(frames, pixels) === frames) return [{ frames }];
      const later = framesPerRun(frames - 1, pixels);
      return [
        { frames: 1, isContinued: true },
        ...Array.from({ length: (frames - 1) / later }, () => ({
          frames: later,
          continues: true,
          isContinued: true,
        })),
      ];
    },
    build: (run, options) => buildDecoder(config, run, options),
  };
}

function buildDecoder(
  config: AutoencoderKLWanConfig,
  { frames, height, width, continues = false, isContinued = false }: DecoderRun & LatentExtent,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const dim = config.decoder_base_dim ?? config.base_dim;
  const widths = config.dim_mult.toReversed().map((multiple) => multiple * dim);
  const upsamplesTime = config.temperal_downsample.toReversed();

  const latent = g.input(decoderNames.latent, "float32", [frames, config.z_dim, height, width]);
  let x = conv(asVideo(denormalised(latent)), "post_quant_conv", config.z_dim, 1);
  x = conv(x, "decoder.conv_in", widths[0]!);
  x = resnet(x, "decoder.mid_block.resnets.0", widths[0]!);
  x = selfAttention(x, "decoder.mid_block.attentions.0");
  x = resnet(x, "decoder.mid_block.resnets.1", widths[0]!);
  for (const [i, out] of widths.entries()) {
    const block = `decoder.up_blocks.${i}`;
    for (let j = 0; j <= config.num_res_blocks; j++) x = resnet(x, `${block}.resnets.${j}`, out);
    if (i === widths.length - 1) break;
    if (upsamplesTime[i]) x = upsampleTime(x, `${block}.upsamplers.0.time_conv`);
    x = upsampleSpace(x, `${block}.upsamplers.0.resample.1`);
  }
  x = conv(silu(norm(x, "decoder.norm_out")), "decoder.conv_out", config.out_channels);
  g.output(decoderNames.frames, asFrames(x));
  return g;

  /** Returns z * std + mean of each channel. */
  function denormalised(z: Value): Value {
    const perChannel = (values: number[]) => g.constant(Float32Array.from(values), [1, values.length, 1, 1]);
    return add(mul(z, perChannel(config.latents_std)), perChannel(config.latents_mean));
  }

  function resnet(x: Value, name: string, out: number): Value {
    return g.scope(name, () => {
      const h = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`, out);
      const residual = conv(silu(norm(h, `${name}.norm2`)), `${name}.conv2`, out);
      const shortcut = x.shape[1] === out ? x : conv(x, `${name}.conv_shortcut`, out, 1);
      return add(shortcut, residual);
    });
  }

  /** Normalises over the channels of [1, C, F, H, W]: x / |x| * sqrt(C) * gamma. */
  function norm(x: Value, name: string): Value {
    const C = x.shape[1]!;
    const gamma = mul(g.weight(`${name}.gamma`, [C, 1, 1, 1]), Math.sqrt(C));
    return mul(div(x, add(reduceL2(x, { axes: [1], keepDims: true }), TINY)), gamma);
  }

  /** Applies attention with one head over the H * W positions of a frame. */
  function selfAttention(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      const gamma = mul(reshape(g.weight(`${name}.norm.gamma`, [C, 1, 1]), [C]), Math.sqrt(C));
      const tokens = reshape(transpose(x, [0, 2, 3, 4, 1]), [F, H * W, C]);
      const length = add(reduceL2(tokens, { axes: [2], keepDims: true }), TINY);
      const [weight, bias] = pointwise(`${name}.to_qkv`, 3 * C, C);
      const qkv = linear(mul(div(tokens, length), gamma), weight, bias);
      const [q, k, v] = split(qkv, 2, 3) as Values<3>;
      const mixed = linear(attention({ q, k, v, heads: 1 }), ...pointwise(`${name}.proj`, C, C)); // [F, H*W, C]
      return add(x, transpose(reshape(mixed, [1, F, H, W, C]), [0, 4, 1, 2, 3]));
    });
  }

  /** Returns weight and bias of a 1x1 convolution for `linear`. */
  function pointwise(name: string, out: number, into: number): [Value, Value] {
    return [
      reshape(g.weight(`${name}.weight`, [out, into, 1, 1]), [out, into]),
      g.weight(`${name}.bias`, [out]),
    ];
  }

  /** Doubles every frame but the first of the video. */
  function upsampleTime(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      if (continues) return doubled(x, name);
      const first = slice(x, 2, 0, 1);
      if (F > 1) return concat([first, doubled(slice(x, 2, 1, F), name)], 2);
      leave(expand(g.constant(new Float32Array(1), [1]), [1, C, PAST, H, W]), name); // zeros: it has seen no frame yet
      return first;
    });
  }

  function doubled(x: Value, name: string): Value {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const weight = g.weight(`${name}.weight`, [2 * C, C, 3, 1, 1]);
    const both = conv3d(afterPast(x, name), weight, g.weight(`${name}.bias`, [2 * C])); // [1, 2C, F, H, W]
    const pairs = transpose(reshape(both, [1, 2, C, F, H, W]), [0, 2, 3, 1, 4, 5]); // [1, C, F, 2, H, W]
    return reshape(pairs, [1, C, 2 * F, H, W]);
  }

  /**
   * Doubles height and width and halves the channels, frame by frame: all frames at once would be the largest tensor.
   */
  function upsampleSpace(x: Value, name: string): Value {
    const [, C, F] = x.shape as [number, number, number];
    const weight = g.weight(`${name}.weight`, [C / 2, C, 3, 3]);
    const bias = g.weight(`${name}.bias`, [C / 2]);
    const frames = Array.from({ length: F }, (_, f) =>
      asVideo(conv2d(upsampleNearest2x(asFrames(slice(x, 2, f, f + 1))), weight, bias, { pads: 1 })),
    );
    return concat(frames as [Value, ...Value[]], 2);
  }

  /** Applies a causal convolution: along time it sees only the frame itself and earlier ones. */
  function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3): Value {
    const weight = g.weight(`${name}.weight`, [out, x.shape[1]!, kernel, kernel, kernel]);
    const bias = g.weight(`${name}.bias`, [out]);
    if (kernel === 1) return conv3d(x, weight, bias);
    return conv3d(afterPast(x, name), weight, bias, { pads: [0, 1, 1] });
  }

  /**
   * Prepends the two frames before x: those that the last run passed on, or zeros at the beginning of a video. Passes
   * the last two frames on to the next run.
   */
  function afterPast(x: Value, name: string): Value {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const none = [0, 0] as const;
    const whole = continues
      ? concat([g.input(`${decoderNames.before}${name}`, "float32", [1, C, PAST, H, W]), x], 2)
      : pad(x, [none, none, [PAST, 0], none, none]);
    leave(slice(whole, 2, F, F + PAST), name);
    return whole;
  }

  function leave(past: Value, name: string): void {
    if (isContinued) g.output(`${decoderNames.after}${name}`, past);
  }
}
