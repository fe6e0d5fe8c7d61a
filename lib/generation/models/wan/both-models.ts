import type { Config, PublishedModel } from "../family.ts";
import { t5XXLConfig } from "../t5-xxl.ts";
import { sizesOf } from "../video-member.ts";
import { shiftOf, UMT5_PARAMETERS, videoOf } from "./published.ts";

export const PARAMETERS_5B = 4_999_787_712;
/** Parameters of the decoder; the encoder, which encodes a picture, has 149,637,088 more. */
export const RESIDUAL_VAE_PARAMETERS = 555_051_580;

/** Sizes of SUPPORTED_SIZES["ti2v-5B"] of Wan-Video/Wan2.2, wan/configs/__init__.py. */
export const SIZES_5B = ["1280x704", "704x1280"];

/** Lengths 4 k + 1; 121 is the default. */
export const FRAMES_5B = [121, ...Array.from({ length: 29 }, (_, k) => 4 * (k + 1) + 1), 1];

export function has48Channels({ in_channels }: Config): boolean {
  return in_channels === 48;
}

const transformerConfig: Config = {
  patch_size: [1, 2, 2],
  num_attention_heads: 24,
  attention_head_dim: 128,
  in_channels: 48,
  out_channels: 48,
  text_dim: 4096,
  freq_dim: 256,
  ffn_dim: 14_336,
  num_layers: 30,
  cross_attn_norm: true,
  qk_norm: "rms_norm_across_heads",
  eps: 1e-6,
  rope_max_seq_len: 1024,
};

/** Published configuration, except for the means and deviations of the latents, which do not affect timing. */
const autoencoderConfig: Config = {
  base_dim: 160,
  decoder_base_dim: 256,
  z_dim: 48,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  temperal_downsample: [false, true, true],
  latents_mean: new Array(48).fill(0.1),
  latents_std: new Array(48).fill(1.5),
  is_residual: true,
  patch_size: 2,
  in_channels: 12,
  out_channels: 12,
};

/** Models that make videos of a prompt, or of a prompt and a picture, from one folder. */
export const bothModels: readonly PublishedModel[] = [
  {
    // Wan-Video/Wan2.2, wan/configs/wan_ti2v_5B.py.
    title: "Wan2.2 TI2V 5B",
    needs: {
      parameters: { transformer: PARAMETERS_5B, text_encoder: UMT5_PARAMETERS, vae: RESIDUAL_VAE_PARAMETERS },
      memoryGiB: { cpu: 28.2, gpu: 16.2, gpuOpen: 36.1 },
    },
    matchesIndex: ({ expand_timesteps }) => expand_timesteps === true,
    matchesTransformer: has48Channels,
    video: videoOf({
      sizes: sizesOf(...SIZES_5B),
      frames: FRAMES_5B,
      fps: [24],
      flow_shift: shiftOf(5, SIZES_5B),
      takes_image: true,
    }),
    hub: { name: "wan2.2-ti2v-5b", gigabytes: 34, id: "Wan-AI/Wan2.2-TI2V-5B-Diffusers" },
    benchmark: {
      parts: {
        transformer: { className: "WanTransformer3DModel", config: transformerConfig },
        text_encoder: { className: "UMT5EncoderModel", config: { ...t5XXLConfig, vocab_size: 256_384 } },
        vae: { className: "AutoencoderKLWan", config: autoencoderConfig },
      },
      depth: "num_layers",
      stepVideo: { width: 640, height: 384, frames: 9, fps: 24 },
      decodedVideo: { width: 64, height: 64, frames: 9, fps: 24 },
      measuredVideo: { width: 128, height: 128, frames: 9, fps: 24 },
      timesText: false,
    },
  },
];
