import { z } from "zod";
import {
  add,
  attention,
  conv2d,
  Graph,
  groupNorm,
  linear,
  mul,
  reshape,
  silu,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";
import { parseConfig, positiveInteger } from "./config.ts";
import { decoderNames, framesPerRun, type LatentDecoder, type LatentExtent } from "./latent-decoder.ts";

/**
 * The decoder of the 2-D KL autoencoder (arXiv 2112.10752), key names of diffusers' AutoencoderKL. Every
 * frame is decoded on its own; F frames are the batch.
 */

const EPS = 1e-6;

const schema = z
  .object({
    latent_channels: positiveInteger,
    out_channels: z.literal(3),
    /** From the picture inwards; the decoder walks them backwards. */
    block_out_channels: z.array(positiveInteger).nonempty(),
    layers_per_block: positiveInteger,
    norm_num_groups: positiveInteger,
    act_fn: z.literal("silu"),
    up_block_types: z.array(z.literal("UpDecoderBlock2D")),
    scaling_factor: z.number().positive(),
    shift_factor: z.number().nullable().default(null),
    use_post_quant_conv: z.boolean().default(true),
    mid_block_add_attention: z.boolean().default(true),
    // Autoencoders that normalise each channel by itself are another convention, not a default to guess.
    latents_mean: z.null().optional(),
    latents_std: z.null().optional(),
  })
  .refine((c) => c.block_out_channels.every((channels) => channels % c.norm_num_groups === 0), {
    path: ["block_out_channels"],
    message: "must be multiples of norm_num_groups",
  });

export type AutoencoderKLConfig = z.infer<typeof schema>;

export function parseAutoencoderKLConfig(config: unknown): AutoencoderKLConfig {
  return parseConfig("AutoencoderKL", schema, config);
}

export function autoencoderKLDecoder(config: AutoencoderKLConfig): LatentDecoder {
  const scale = 2 ** (config.block_out_channels.length - 1);
  return {
    channels: config.latent_channels,
    scale,
    latentFrames: (frames) => frames,
    runs({ frames, height, width }) {
      const perRun = framesPerRun(frames, height * width * scale ** 2);
      return Array.from({ length: frames / perRun }, () => ({ frames: perRun }));
    },
    build: (extent, options) => buildDecoder(config, extent, options),
  };
}

function buildDecoder(
  config: AutoencoderKLConfig,
  { frames, height, width }: LatentExtent,
  { weights, provider = "cpu" }: BuildOptions,
): Graph {
  const g = new Graph({ provider, weights });
  const { latent_channels, norm_num_groups: groups } = config;
  const channels = config.block_out_channels.toReversed();
  const inner = channels[0]!;

  const z = g.input(decoderNames.latent, "float32", [frames, latent_channels, height, width]);
  const scaled = add(mul(z, 1 / config.scaling_factor), config.shift_factor ?? 0);
  const latent = config.use_post_quant_conv ? conv(scaled, "post_quant_conv", latent_channels, 1) : scaled;

  let x = conv(latent, "decoder.conv_in", inner); // [F, C, H, W]
  x = resnet(x, "decoder.mid_block.resnets.0", inner);
  if (config.mid_block_add_attention) x = selfAttention(x, "decoder.mid_block.attentions.0");
  x = resnet(x, "decoder.mid_block.resnets.1", inner);
  for (const [i, out] of channels.entries()) {
    const block = `decoder.up_blocks.${i}`;
    for (let j = 0; j <= config.layers_per_block; j++) x = resnet(x, `${block}.resnets.${j}`, out);
    const isLast = i === channels.length - 1;
    if (!isLast) x = conv(upsampleNearest2x(x), `${block}.upsamplers.0.conv`, out); // [F, C, 2H, 2W]
  }
  const pictures = conv(silu(norm(x, "decoder.conv_norm_out")), "decoder.conv_out", config.out_channels);
  g.output(decoderNames.frames, pictures);
  return g;

  function resnet(x: Value, name: string, out: number): Value {
    return g.scope(name, () => {
      const h = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`, out);
      const residual = conv(silu(norm(h, `${name}.norm2`)), `${name}.conv2`, out);
      const shortcut = x.shape[1] === out ? x : conv(x, `${name}.conv_shortcut`, out, 1);
      return add(shortcut, residual);
    });
  }

  /** One head over the H * W places of a frame. */
  function selfAttention(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [F, C, H, W] = x.shape as [number, number, number, number];
      const tokens = transpose(reshape(norm(x, `${name}.group_norm`), [F, C, H * W]), [0, 2, 1]); // [F, H*W, C]
      const project = (y: Value, part: Projection) => {
        const [weight, bias] = projection(name, part, C);
        return linear(y, weight, bias);
      };
      const [q, k, v] = (["to_q", "to_k", "to_v"] as const).map((part) => project(tokens, part));
      const mixed = project(attention({ q: q!, k: k!, v: v!, heads: 1 }), "to_out.0"); // [F, H*W, C]
      return add(x, reshape(transpose(mixed, [0, 2, 1]), [F, C, H, W]));
    });
  }

  /**
   * Weight [C, C] and bias [C], also under the names of older checkpoints, whose weights may be 1x1
   * convolutions.
   */
  function projection(attention: string, part: Projection, C: number): [Value, Value] {
    const name = `${attention}.${part}`;
    if (weights.has(`${name}.weight`))
      return [g.weight(`${name}.weight`, [C, C]), g.weight(`${name}.bias`, [C])];
    const older = `${attention}.${olderNames[part]}`;
    const isConvolution =
      weights.has(`${older}.weight`) && weights.info(`${older}.weight`).shape.length === 4;
    const weight = g.weight(`${older}.weight`, isConvolution ? [C, C, 1, 1] : [C, C]);
    return [reshape(weight, [C, C]), g.weight(`${older}.bias`, [C])];
  }

  function norm(x: Value, name: string): Value {
    const C = x.shape[1]!;
    return groupNorm(x, groups, g.weight(`${name}.weight`, [C]), g.weight(`${name}.bias`, [C]), EPS);
  }

  function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3): Value {
    const weight = g.weight(`${name}.weight`, [out, x.shape[1]!, kernel, kernel]);
    return conv2d(x, weight, g.weight(`${name}.bias`, [out]), { pads: (kernel - 1) / 2 });
  }
}

const olderNames = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" } as const;
type Projection = keyof typeof olderNames;
