import * as z from "zod";
import { parseConfig, positiveInteger } from "../config.ts";

/**
 * Configuration of AutoencoderKLLTXVideo, the autoencoder of LTX-Video 0.9 (arXiv 2501.00103). Members that a config
 * lacks have the defaults of diffusers' class, which are those of version 0.9.0.
 *
 * Lists go from the picture inwards; the decoder uses its own in reverse order.
 */

const flags = (isTrue: readonly boolean[]) => z.array(z.boolean()).default([...isTrue]);
const channels = z.array(positiveInteger).nonempty().default([128, 256, 512, 512]);
const layers = z.array(positiveInteger).default([4, 3, 3, 3, 4]);

const members = z.object({
  in_channels: z.literal(3).default(3),
  out_channels: z.literal(3).default(3),
  latent_channels: positiveInteger.default(128),
  block_out_channels: channels,
  decoder_block_out_channels: channels,
  down_block_types: z
    .array(z.enum(["LTXVideoDownBlock3D", "LTXVideo095DownBlock3D"]))
    .nonempty()
    .default(Array(4).fill("LTXVideoDownBlock3D")),
  /** Resnets of every block; the last number is that of the middle. */
  layers_per_block: layers,
  decoder_layers_per_block: layers,
  /** True for blocks that change the extent. */
  spatio_temporal_scaling: flags([true, true, true, false]),
  decoder_spatio_temporal_scaling: flags([true, true, true, false]),
  downsample_type: z
    .array(z.enum(["conv", "spatial", "temporal", "spatiotemporal"]))
    .default(Array(4).fill("conv")),
  /** True for blocks that add their rearranged input to what their upsampler makes of it. */
  upsample_residual: flags([false, false, false, false]),
  /** Factor by which an upsampler divides the channels. */
  upsample_factor: z.array(positiveInteger).default([1, 1, 1, 1]),
  decoder_inject_noise: flags([false]).refine((list) => !list.includes(true), {
    // The reference draws it from a generator that the seed of a video does not reach.
    message:
      "must be false: Adareel has not the noise that the decoder of LTX-Video 0.9.1 adds between its layers",
  }),
  /** True if the decoder removes a last rest of noise, which is added to its latent. */
  timestep_conditioning: z.boolean().default(false),
  patch_size: positiveInteger.default(4),
  patch_size_t: z.literal(1).default(1),
  resnet_norm_eps: z.number().positive().default(1e-6),
  scaling_factor: z.number().positive().default(1),
  encoder_causal: z.literal(true).default(true),
  decoder_causal: z.boolean().default(false),
  spatial_compression_ratio: positiveInteger.nullish(),
  temporal_compression_ratio: positiveInteger.nullish(),
});

const schema = members
  .refine((c) => hasEntriesOfBlocks(c), {
    path: ["decoder_block_out_channels"],
    message: "must have an entry for each block, as all lists of the decoder",
  })
  .refine((c) => hasEntriesOfEncoder(c), {
    path: ["block_out_channels"],
    message: "must have an entry for each block, as all lists of the encoder",
  })
  .refine((c) => !c.timestep_conditioning || keepsChannels(c), {
    path: ["timestep_conditioning"],
    message: "must be false where blocks of the decoder change the channels other than by upsample_factor",
  });

export type AutoencoderKLLTXConfig = z.infer<typeof members>;

export function parseAutoencoderKLLTXConfig(config: unknown): AutoencoderKLLTXConfig {
  return parseConfig("AutoencoderKLLTXVideo", schema, config);
}

/** Returns whether each block of the decoder has its entries; the layers have one more, for the middle. */
function hasEntriesOfBlocks(c: AutoencoderKLLTXConfig): boolean {
  const blocks = c.decoder_block_out_channels.length;
  const lists = [c.decoder_spatio_temporal_scaling, c.upsample_residual, c.upsample_factor];
  return lists.every(({ length }) => length >= blocks) && c.decoder_layers_per_block.length > blocks;
}

/** Returns the number of blocks of the encoder. From 0.9.5 on its first number of channels is that of its input. */
export function encoderBlocks({ block_out_channels, down_block_types }: AutoencoderKLLTXConfig): number {
  return block_out_channels.length - (down_block_types.at(-1) === "LTXVideo095DownBlock3D" ? 1 : 0);
}

function hasEntriesOfEncoder(c: AutoencoderKLLTXConfig): boolean {
  const blocks = encoderBlocks(c);
  const lists = [c.down_block_types, c.spatio_temporal_scaling, c.downsample_type];
  return lists.every(({ length }) => length >= blocks) && c.layers_per_block.length > blocks;
}

/** Returns whether every block of the decoder has the channels that its upsampler makes. */
function keepsChannels({ decoder_block_out_channels: stages, upsample_factor }: AutoencoderKLLTXConfig) {
  const factors = upsample_factor.toReversed();
  let before = stages.at(-1)!;
  return stages.toReversed().every((stage, i) => {
    const [into, out] = [before, stage].map((count) => Math.floor(count / factors[i]!));
    before = out!;
    return into === out;
  });
}
