import * as z from "zod";
import { parseConfig, positiveInteger } from "../config.ts";

/**
 * Configuration of the autoencoder of Wan 2.2 TI2V-5B: AutoencoderKLWan with `is_residual`, whose stages have shortcuts
 * without parameters, and which works on patches of pixels.
 */

const schema = z
  .object({
    base_dim: positiveInteger,
    decoder_base_dim: positiveInteger.nullish(),
    z_dim: positiveInteger,
    /** Channel multipliers from the picture inwards; the decoder uses them in reverse order. */
    dim_mult: z.array(positiveInteger).nonempty(),
    num_res_blocks: positiveInteger,
    /** True for each stage of the encoder that halves the frames too; the decoder uses them in reverse order. */
    temperal_downsample: z.array(z.boolean()),
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number().positive()),
    is_residual: z.literal(true),
    /** Pixels along one edge of a patch, whose colours are the channels of one element. */
    patch_size: positiveInteger.max(8),
    in_channels: positiveInteger,
    out_channels: positiveInteger,
    attn_scales: z.array(z.never()).default([]),
  })
  .refine((c) => c.temperal_downsample.length === c.dim_mult.length - 1, {
    path: ["temperal_downsample"],
    message: "must have one entry less than dim_mult",
  })
  .refine((c) => c.latents_mean.length === c.z_dim && c.latents_std.length === c.z_dim, {
    path: ["latents_mean"],
    message: "and latents_std must have z_dim entries each",
  })
  .refine((c) => [c.in_channels, c.out_channels].every((count) => count === 3 * c.patch_size ** 2), {
    path: ["out_channels"],
    message: "and in_channels must be the colours of a patch, 3 * patch_size * patch_size",
  });

export type ResidualWanConfig = z.infer<typeof schema>;

export function parseResidualWanConfig(config: unknown): ResidualWanConfig {
  return parseConfig("AutoencoderKLWan", schema, config);
}

/** Returns whether a configuration of AutoencoderKLWan is that of the architecture with shortcuts. */
export function isResidualWan(config: unknown): boolean {
  return (config as { is_residual?: unknown } | null)?.is_residual === true;
}

/** Returns the pixels along one edge of a latent element. */
export function pixelScale({ dim_mult, patch_size }: ResidualWanConfig): number {
  return patch_size * 2 ** (dim_mult.length - 1);
}
