import * as z from "zod";
import { parseConfig, positiveInteger } from "../config.ts";
import type { LatentDecoder } from "../latent-decoder.ts";
import { causalDecoder } from "./causal-decoder.ts";
import { upsampleSpace } from "./causal-layers.ts";

/**
 * Decoder of Wan's causal video autoencoder (arXiv 2503.20314), with the key names of diffusers' AutoencoderKLWan. The
 * first latent frame becomes one frame of the video, and every other becomes several. No frame depends on a later one.
 */

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
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    // Scales at which the encoder has further attention; the reference cannot run an encoder that has any.
    attn_scales: z.array(z.number()).max(0).default([]),
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

/** Returns the pixels along one edge of a latent element. */
export function scaleOf({ dim_mult }: AutoencoderKLWanConfig): number {
  return 2 ** (dim_mult.length - 1);
}

/** Returns the frames of the video that each latent frame after the first stands for. */
export function rateOf({ temperal_downsample }: AutoencoderKLWanConfig): number {
  return 2 ** temperal_downsample.filter(Boolean).length;
}

/**
 * Decodes a short or small latent in one run. Other latents take several runs: one for the first latent frame, and then
 * one for a few frames at a time. Both give the frames of the reference: a convolution over time passes its last two
 * frames to the next run and sees nothing else of the past.
 *
 * Memory, measured in float32 on the CPU: 2 KB for each pixel of a video that is decoded in one run. Larger videos are
 * decoded in strips. At 832x120 pixels three strips took 7 KB for each pixel of a frame, however many frames there are,
 * and 1 GB for weights and what their sessions leave behind.
 */
export function autoencoderKLWanDecoder(config: AutoencoderKLWanConfig): LatentDecoder {
  return causalDecoder(config, {
    scale: scaleOf(config),
    upsample(x, { block, doublesTime, layers, ...strip }) {
      const name = `${block}.upsamplers.0`;
      const longer = doublesTime ? layers.upsampleTime(x, `${name}.time_conv`) : x;
      return upsampleSpace(longer, `${name}.resample.1`, longer.shape[1]! / 2, strip);
    },
  });
}
