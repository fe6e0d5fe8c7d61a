import type { Config, Family } from "../family.ts";
import { t5Tokenizer, t5XXL } from "../t5-xxl.ts";
import { sizesOf } from "../video-member.ts";
import { autoencoderKLTemporalDecoder, parseAutoencoderKLTemporalDecoderConfig } from "./temporal-decoder.ts";
import { latte as latteTransformer, parseLatteConfig } from "./transformer.ts";

/** Fields that the published transformers of this architecture share. */
export const publishedLatteConfig: Config = {
  num_attention_heads: 16,
  attention_head_dim: 72,
  num_layers: 28,
  in_channels: 4,
  out_channels: 8,
  patch_size: 2,
  caption_channels: 4096,
  cross_attention_dim: 1152,
  norm_eps: 1e-6,
  activation_fn: "gelu-approximate",
  norm_type: "ada_norm_single",
  norm_elementwise_affine: false,
  attention_bias: true,
};

/** The autoencoder of Stable Diffusion. */
const autoencoderConfig: Config = {
  latent_channels: 4,
  out_channels: 3,
  block_out_channels: [128, 256, 512, 512],
  layers_per_block: 2,
  norm_num_groups: 32,
  act_fn: "silu",
  up_block_types: new Array(4).fill("UpDecoderBlock2D"),
  scaling_factor: 0.18215,
};

/** Latte (arXiv 2401.03048). */
export const latte: Family = {
  name: "Latte",
  pipelines: ["LattePipeline"],
  architectures: {
    transformers: {
      LatteTransformer3DModel: (config, video) => latteTransformer(parseLatteConfig(config), video),
    },
    decoders: {
      AutoencoderKLTemporalDecoder: (config) =>
        autoencoderKLTemporalDecoder(parseAutoencoderKLTemporalDecoderConfig(config)),
    },
  },
  parts: "Latte, T5 v1.1 XXL, AutoencoderKL or the decoder over time",
  sampler: "DDIM",
  unnamedDecoder: "vae_temporal_decoder",
  supplements: [t5Tokenizer],
  models: [
    {
      // diffusers' defaults, which are the authors': Vchitect/Latte, sample/sample_t2x.py and its t2x_sample.yaml.
      title: "Latte-1",
      needs: {
        parameters: { transformer: 1_057_246_880, text_encoder: 4_762_310_656, vae: 49_490_199 },
        memoryGiB: { cpu: 5.9, gpu: 9, gpuOpen: 13.7 },
      },
      video: {
        sizes: sizesOf("512x512"),
        frames: [16, 1],
        fps: [8],
        steps: 50,
        guidance_scale: 7.5,
        caption: "clean",
      },
      hub: { name: "latte-1", gigabytes: 24, id: "maxin-cn/Latte-1" },
      benchmark: {
        parts: {
          transformer: {
            className: "LatteTransformer3DModel",
            config: { ...publishedLatteConfig, sample_size: 64, video_length: 16 },
          },
          text_encoder: t5XXL,
          vae: { className: "AutoencoderKL", config: autoencoderConfig },
        },
        depth: "num_layers",
        stepVideo: { width: 128, height: 96, frames: 16, fps: 8 },
        decodedVideo: { width: 96, height: 64, frames: 2, fps: 8 },
        measuredVideo: { width: 256, height: 256, frames: 2, fps: 8 },
        timesText: true,
      },
    },
  ],
};
