import type { Config } from "../../../lib/generation/checkpoint/index.ts";

/** The families whose checkpoints run, with the configurations that were published, and what is timed of each. */

/** What a video is to be, as the member `video` of a model's index says it. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

/** The folders of a model that hold weights. */
export type WeightedPart = "transformer" | "text_encoder" | "vae";

export interface PublishedPart {
  readonly className: string;
  readonly config: Config;
}

export interface Family {
  readonly name: string;
  readonly parts: Readonly<Record<WeightedPart, PublishedPart>>;
  /** The member of the transformer's config that counts its blocks, or pairs of them. */
  readonly depth: "depth" | "num_layers";
  /** The model's default. */
  readonly video: VideoSize;
  /** Of which a step is timed. */
  readonly stepVideo: VideoSize;
  /** Of which the decoder's first run is timed. */
  readonly decodedVideo: VideoSize;
  /** Of which the decoder's first run has its memory measured: larger, so that it stands out. */
  readonly measuredVideo: VideoSize;
  /** Whether its text encoder is timed: those of two families are that of a third. */
  readonly timesText: boolean;
}

/** Blocks, or pairs of them, of a transformer that is timed. */
export const TIMED_BLOCKS = 2;

/** The model with few blocks and one layer of its text encoder, every layer as large as it was published. */
export function shortened({ parts, depth }: Family): Family["parts"] {
  const { transformer, text_encoder, vae } = parts;
  return {
    transformer: withConfig(transformer, { [depth]: TIMED_BLOCKS }),
    // Of the embeddings a text reads as many rows as it has tokens, however many there are.
    text_encoder: withConfig(text_encoder, { num_layers: 1, vocab_size: 1024 }),
    vae,
  };
}

/** Blocks, or pairs of them, of the published transformer. */
export function publishedDepth({ parts, depth }: Family): number {
  return Number(parts.transformer.config[depth]);
}

function withConfig(part: PublishedPart, changed: Config): PublishedPart {
  return { ...part, config: { ...part.config, ...changed } };
}

const LATTE: Config = {
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

const T5_XXL: Config = {
  vocab_size: 32_128,
  d_model: 4096,
  d_kv: 64,
  d_ff: 10_240,
  num_layers: 24,
  num_heads: 64,
  feed_forward_proj: "gated-gelu",
};
const t5: PublishedPart = { className: "T5EncoderModel", config: T5_XXL };

export const families: readonly Family[] = [
  {
    name: "Open-Sora 1.2",
    parts: {
      transformer: {
        className: "STDiT3",
        config: {
          hidden_size: 1152,
          depth: 28,
          num_heads: 16,
          mlp_ratio: 4,
          patch_size: [1, 2, 2],
          in_channels: 4,
          pred_sigma: true,
          caption_channels: 4096,
          model_max_length: 300,
          qk_norm: true,
          input_sq_size: 512,
        },
      },
      text_encoder: t5,
      vae: {
        className: "OpenSoraVAE_V1_2",
        config: {
          vae_2d: { type: "VideoAutoencoderKL" },
          vae_temporal: { type: "VAE_Temporal_SD" },
          micro_frame_size: 17,
        },
      },
    },
    depth: "depth",
    video: { width: 848, height: 480, frames: 51, fps: 24 },
    stepVideo: { width: 128, height: 96, frames: 51, fps: 24 },
    decodedVideo: { width: 48, height: 32, frames: 17, fps: 24 },
    measuredVideo: { width: 96, height: 96, frames: 17, fps: 24 },
    timesText: false,
  },
  {
    name: "Latte-1",
    parts: {
      transformer: {
        className: "LatteTransformer3DModel",
        config: { ...LATTE, sample_size: 64, video_length: 16 },
      },
      text_encoder: t5,
      vae: {
        className: "AutoencoderKL",
        config: {
          latent_channels: 4,
          out_channels: 3,
          block_out_channels: [128, 256, 512, 512],
          layers_per_block: 2,
          norm_num_groups: 32,
          act_fn: "silu",
          up_block_types: new Array(4).fill("UpDecoderBlock2D"),
          scaling_factor: 0.18215,
        },
      },
    },
    depth: "num_layers",
    video: { width: 512, height: 512, frames: 16, fps: 8 },
    stepVideo: { width: 128, height: 96, frames: 16, fps: 8 },
    decodedVideo: { width: 96, height: 64, frames: 2, fps: 8 },
    measuredVideo: { width: 256, height: 256, frames: 2, fps: 8 },
    timesText: true,
  },
  {
    name: "Open-Sora-Plan 1.1",
    parts: {
      transformer: {
        className: "LatteT2V",
        config: { ...LATTE, sample_size: [64, 64], video_length: 17, model_max_length: 300 },
      },
      text_encoder: t5,
      vae: {
        className: "CausalVAEModel",
        config: {
          hidden_size: 128,
          z_channels: 4,
          embed_dim: 4,
          hidden_size_mult: [1, 2, 4, 4],
          num_res_blocks: 2,
          attn_resolutions: [],
          q_conv: "CausalConv3d",
          decoder_conv_in: "CausalConv3d",
          decoder_conv_out: "CausalConv3d",
          decoder_mid_resnet: "ResnetBlock3D",
          decoder_resnet_blocks: new Array(4).fill("ResnetBlock3D"),
          decoder_attention: "AttnBlock3DFix",
          decoder_spatial_upsample: ["", "SpatialUpsample2x", "SpatialUpsample2x", "SpatialUpsample2x"],
          decoder_temporal_upsample: ["", "", "TimeUpsampleRes2x", "TimeUpsampleRes2x"],
        },
      },
    },
    depth: "num_layers",
    video: { width: 512, height: 512, frames: 65, fps: 24 },
    stepVideo: { width: 128, height: 96, frames: 65, fps: 24 },
    decodedVideo: { width: 48, height: 32, frames: 9, fps: 24 },
    measuredVideo: { width: 96, height: 96, frames: 9, fps: 24 },
    timesText: false,
  },
  {
    name: "Wan2.1 1.3B",
    parts: {
      transformer: {
        className: "WanTransformer3DModel",
        config: {
          patch_size: [1, 2, 2],
          num_attention_heads: 12,
          attention_head_dim: 128,
          in_channels: 16,
          out_channels: 16,
          text_dim: 4096,
          freq_dim: 256,
          ffn_dim: 8960,
          num_layers: 30,
          cross_attn_norm: true,
          qk_norm: "rms_norm_across_heads",
          eps: 1e-6,
          rope_max_seq_len: 1024,
        },
      },
      text_encoder: { className: "UMT5EncoderModel", config: { ...T5_XXL, vocab_size: 256_384 } },
      vae: {
        className: "AutoencoderKLWan",
        config: {
          base_dim: 96,
          z_dim: 16,
          dim_mult: [1, 2, 4, 4],
          num_res_blocks: 2,
          temperal_downsample: [false, true, true],
          latents_mean: new Array(16).fill(0.1),
          latents_std: new Array(16).fill(1.5),
        },
      },
    },
    depth: "num_layers",
    video: { width: 832, height: 480, frames: 81, fps: 16 },
    stepVideo: { width: 320, height: 192, frames: 9, fps: 16 },
    decodedVideo: { width: 64, height: 48, frames: 9, fps: 16 },
    measuredVideo: { width: 128, height: 128, frames: 9, fps: 16 },
    timesText: true,
  },
];
