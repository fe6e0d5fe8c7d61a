import type { Config, PublishedModel } from "../family.ts";
import { t5XXLConfig } from "../t5-xxl.ts";
import { sizesOf } from "../video-member.ts";
import {
  has40Layers,
  hasTwoTransformers,
  LARGE,
  SMALL,
  shiftOf,
  takesPictures,
  UMT5_PARAMETERS,
  VAE_PARAMETERS,
  videoOf,
} from "./published.ts";

const transformerConfig: Config = {
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
};

/**
 * Published configuration, except for the means and deviations of the latents. These are placeholders, which do not
 * affect timing.
 */
const autoencoderConfig: Config = {
  base_dim: 96,
  z_dim: 16,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  temperal_downsample: [false, true, true],
  latents_mean: new Array(16).fill(0.1),
  latents_std: new Array(16).fill(1.5),
};

const PARAMETERS_14B = 14_288_491_584;

/** Models that make videos of a prompt alone. */
export const textModels: readonly PublishedModel[] = [
  {
    // Wan2.1-T2V-1.3B-Diffusers: its card, and SUPPORTED_SIZES of Wan-Video/Wan2.1.
    title: "Wan2.1 1.3B",
    needs: {
      parameters: { transformer: 1_418_996_800, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS },
      memoryGiB: { cpu: 11.9, gpu: 10.8, gpuOpen: 20.2 },
    },
    matchesIndex: (index) => !takesPictures(index) && !hasTwoTransformers(index),
    matchesTransformer: ({ num_layers, in_channels }) => num_layers === 30 && in_channels === 16,
    video: videoOf({ sizes: sizesOf(...SMALL), flow_shift: shiftOf(3, SMALL) }),
    hub: { name: "wan2.1-1.3b", gigabytes: 29, id: "Wan-AI/Wan2.1-T2V-1.3B-Diffusers" },
    benchmark: {
      parts: {
        transformer: { className: "WanTransformer3DModel", config: transformerConfig },
        text_encoder: {
          className: "UMT5EncoderModel",
          config: { ...t5XXLConfig, vocab_size: 256_384 },
        },
        vae: { className: "AutoencoderKLWan", config: autoencoderConfig },
      },
      depth: "num_layers",
      stepVideo: { width: 320, height: 192, frames: 9, fps: 16 },
      decodedVideo: { width: 64, height: 48, frames: 9, fps: 16 },
      measuredVideo: { width: 128, height: 128, frames: 9, fps: 16 },
      timesText: true,
    },
  },
  {
    // Wan2.1-T2V-14B-Diffusers, likewise.
    title: "Wan2.1 14B",
    needs: {
      parameters: { transformer: PARAMETERS_14B, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS },
      memoryGiB: { cpu: 86.1, gpu: 54.6, gpuOpen: 69.1 },
    },
    matchesIndex: (index) => !takesPictures(index) && !hasTwoTransformers(index),
    matchesTransformer: has40Layers,
    video: videoOf({
      sizes: sizesOf(...LARGE, ...SMALL),
      flow_shift: { ...shiftOf(5, LARGE), ...shiftOf(3, SMALL) },
    }),
    hub: { name: "wan2.1-14b", gigabytes: 80, id: "Wan-AI/Wan2.1-T2V-14B-Diffusers" },
  },
  {
    // Wan-Video/Wan2.2, wan/configs/wan_t2v_A14B.py. The scheduler of its folder on the hub has a shift of 3.
    title: "Wan2.2 A14B",
    needs: {
      parameters: { transformer: 2 * PARAMETERS_14B, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS },
      memoryGiB: { cpu: 86.1, gpu: 54.6, gpuOpen: 123.7 },
    },
    matchesIndex: (index) => !takesPictures(index) && hasTwoTransformers(index),
    matchesTransformer: has40Layers,
    video: videoOf({
      sizes: sizesOf(...LARGE, ...SMALL),
      steps: 40,
      guidance_scale: 4,
      guidance_scale_2: 3,
      flow_shift: shiftOf(12, [...LARGE, ...SMALL]),
    }),
    hub: { name: "wan2.2-a14b", gigabytes: 126, id: "Wan-AI/Wan2.2-T2V-A14B-Diffusers" },
  },
];
