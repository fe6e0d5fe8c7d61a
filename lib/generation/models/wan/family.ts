import type { Config, Family, PublishedModel } from "../family.ts";
import { t5XXLConfig } from "../t5-xxl.ts";
import { sizesOf, type VideoMember } from "../video-member.ts";
import { autoencoderKLWanDecoder, parseAutoencoderKLWanConfig } from "./autoencoder.ts";
import { wanLoraNaming } from "./lora-naming.ts";
import { isResidualWan, parseResidualWanConfig } from "./residual-config.ts";
import { residualWanDecoder } from "./residual-decoder.ts";
import { residualWanEncoder } from "./residual-encoder.ts";
import { parseWanConfig, wan as wanTransformer } from "./transformer.ts";

/**
 * Negative prompt of the authors' example.
 *
 * @see the example in diffusers 0.42.1, `pipeline_wan.py`, and the cards of Wan-AI/Wan2.1-T2V-*-Diffusers
 */
const NEGATIVE_PROMPT =
  "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, " +
  "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly " +
  "drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy " +
  "background, three legs, many people in the background, walking backwards";

const SMALL = ["832x480", "480x832"];
const LARGE = ["1280x720", "720x1280"];

/** Lengths 4 k + 1, for which the autoencoder has k + 1 latent frames; 81 is the default. */
const FRAMES = [81, ...Array.from({ length: 19 }, (_, k) => 4 * (k + 1) + 1), 1];

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
const UMT5_PARAMETERS = 5_680_910_336;
const VAE_PARAMETERS = 73_295_603;

/** Wan 2.1 and Wan 2.2 A14B (arXiv 2503.20314). */
export const wan: Family = {
  name: "Wan",
  pipelines: ["WanPipeline"],
  architectures: {
    transformers: {
      WanTransformer3DModel: (config, video) => wanTransformer(parseWanConfig(config), video),
    },
    decoders: {
      AutoencoderKLWan: (config) =>
        isResidualWan(config)
          ? residualWanDecoder(parseResidualWanConfig(config))
          : autoencoderKLWanDecoder(parseAutoencoderKLWanConfig(config)),
    },
    imageEncoders: { AutoencoderKLWan: (config) => residualWanEncoder(parseResidualWanConfig(config)) },
  },
  parts: "Wan, UMT5 XXL, Wan's autoencoder",
  sampler: "UniPC or Euler, with shift",
  lora: wanLoraNaming,
  supplements: [],
  models: [
    {
      // Wan2.1-T2V-1.3B-Diffusers: its card, and SUPPORTED_SIZES of Wan-Video/Wan2.1.
      title: "Wan2.1 1.3B",
      needs: {
        parameters: { transformer: 1_418_996_800, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS },
        memoryGiB: { cpu: 11.9, gpu: 10.8, gpuOpen: 28.1 },
      },
      matchesIndex: (index) => !hasTwoTransformers(index),
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
        memoryGiB: { cpu: 86.1, gpu: 54.6, gpuOpen: 88.2 },
      },
      matchesIndex: (index) => !hasTwoTransformers(index),
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
        memoryGiB: { cpu: 86.1, gpu: 54.6, gpuOpen: 142.8 },
      },
      matchesIndex: hasTwoTransformers,
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
  ],
};

function hasTwoTransformers({ boundary_ratio }: Config): boolean {
  return typeof boundary_ratio === "number";
}

function has40Layers({ num_layers }: Config): boolean {
  return num_layers === 40;
}

function videoOf(
  own: Pick<VideoMember, "sizes" | "flow_shift"> & Partial<VideoMember>,
): PublishedModel["video"] {
  return {
    frames: FRAMES,
    fps: [16],
    steps: 50,
    guidance_scale: 5,
    negative_prompt: NEGATIVE_PROMPT,
    caption: "tidy",
    ...own,
  };
}

function shiftOf(shift: number, sizes: readonly string[]): Record<string, number> {
  return Object.fromEntries(sizes.map((size) => [size, shift]));
}
