import * as z from "zod";
import { add, Graph, mul, sub } from "../../onnx/index.ts";
import type { BuildOptions } from "../build-options.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import { encoderNames, type ImageEncoder } from "../image-encoder.ts";
import { decoderNames, framesPerRun, type LatentDecoder, type LatentExtent } from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import { conv, type KLDecoderShape, klDecoder } from "./kl-decoder.ts";
import { klEncoder, meanOf } from "./kl-encoder.ts";

/**
 * 2-D KL autoencoder (arXiv 2112.10752), with the key names of diffusers' AutoencoderKL. Every frame is decoded on its
 * own; F frames are the batch.
 */

const schema = z
  .object({
    latent_channels: positiveInteger,
    out_channels: z.literal(3).default(3),
    /** Channels of the stages from the picture inwards; the decoder uses them in reverse order. */
    block_out_channels: z.array(positiveInteger).nonempty(),
    layers_per_block: positiveInteger,
    norm_num_groups: positiveInteger,
    act_fn: z.literal("silu").default("silu"),
    up_block_types: z.array(z.literal("UpDecoderBlock2D")),
    scaling_factor: z.number().positive(),
    shift_factor: z.number().nullable().default(null),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
    mid_block_add_attention: z.boolean().default(true),
    // Autoencoders that normalise each channel by itself are not supported.
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

/** @param bandElements elements of the largest band; see `bands.ts` */
export function autoencoderKLDecoder(config: AutoencoderKLConfig, bandElements?: number): LatentDecoder {
  const scale = 2 ** (config.block_out_channels.length - 1);
  return {
    channels: config.latent_channels,
    scale,
    latentFrames: (frames) => frames,
    runs({ frames, height, width }) {
      const perRun = framesPerRun(frames, height * width * scale ** 2);
      return Array.from({ length: frames / perRun }, () => ({ frames: perRun }));
    },
    build: (extent, options) => buildDecoder(config, extent, { ...options, bandElements }),
  };
}

function buildDecoder(
  config: AutoencoderKLConfig,
  { frames, height, width }: LatentExtent,
  { bandElements, ...options }: BuildOptions & { readonly bandElements: number | undefined },
): Graph {
  const g = new Graph(options);
  const { latent_channels } = config;
  const z = g.input(decoderNames.latent, "float32", [frames, latent_channels, height, width]);
  const scaled = add(mul(z, 1 / config.scaling_factor), config.shift_factor ?? 0);
  const latent = config.use_post_quant_conv ? conv(scaled, "post_quant_conv", latent_channels, 1) : scaled;
  g.output(decoderNames.frames, klDecoder(latent, shapeOf(config), options.weights, { bandElements }));
  return g;
}

/** Encodes an image to the mean of the latents that the autoencoder would sample. */
export function autoencoderKLImageEncoder(config: AutoencoderKLConfig): ImageEncoder {
  const scale = 2 ** (config.block_out_channels.length - 1);
  const { latent_channels: C, scaling_factor, shift_factor } = config;
  return {
    build({ height, width }, options) {
      const g = new Graph(options);
      const picture = g.input(encoderNames.picture, "float32", [1, 3, height * scale, width * scale]);
      const moments = klEncoder(picture, shapeOf(config), 2 * C, options);
      const mean = meanOf(config.use_quant_conv ? conv(moments, "quant_conv", 2 * C, 1) : moments);
      g.output(encoderNames.latent, asVideo(mul(sub(mean, shift_factor ?? 0), scaling_factor)));
      return g;
    },
  };
}

function shapeOf(config: AutoencoderKLConfig): KLDecoderShape {
  return {
    blockChannels: config.block_out_channels,
    layersPerBlock: config.layers_per_block,
    outChannels: config.out_channels,
    groups: config.norm_num_groups,
    hasAttention: config.mid_block_add_attention,
  };
}
