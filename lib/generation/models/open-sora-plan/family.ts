import type { Config, Family, PublishedModel } from "../family.ts";
import { publishedLatteConfig } from "../latte/family.ts";
import { t5Sources, t5Tokenizer, t5XXL } from "../t5-xxl.ts";
import { sizesOf } from "../video-member.ts";
import { causalVAEDecoder, parseCausalVAEConfig } from "./autoencoder.ts";
import { openSoraPlan as openSoraPlanTransformer, parseOpenSoraPlanConfig } from "./transformer.ts";

const autoencoderConfig: Config = {
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
};

/** Open-Sora-Plan (github.com/PKU-YuanGroup/Open-Sora-Plan). */
export const openSoraPlan: Family = {
  name: "Open-Sora-Plan",
  pipelines: ["OpenSoraPlanPipeline"],
  architectures: {
    transformers: {
      LatteT2V: (config, video) => openSoraPlanTransformer(parseOpenSoraPlanConfig(config), video),
    },
    decoders: { CausalVAEModel: (config) => causalVAEDecoder(parseCausalVAEConfig(config)) },
  },
  parts: "LatteT2V, T5 v1.1 XXL, its causal autoencoder",
  sampler: "PNDM (150 steps are 159 evaluations)",
  supplements: [t5Tokenizer],
  models: [
    {
      ...ofLength({ latentFrames: 17, frames: 65 }),
      // The subfolders of the repository are from memory.
      hub: {
        name: "open-sora-plan-1.1",
        gigabytes: 15,
        id: "LanguageBind/Open-Sora-Plan-v1.1.0",
        assembly: {
          sources: [
            { part: "transformer", id: "LanguageBind/Open-Sora-Plan-v1.1.0", folder: "65x512x512" },
            { part: "vae", id: "LanguageBind/Open-Sora-Plan-v1.1.0", folder: "vae" },
            ...t5Sources,
          ],
          index: {
            _class_name: "OpenSoraPlanPipeline",
            transformer: ["adareel", "LatteT2V"],
            text_encoder: ["transformers", "T5EncoderModel"],
            tokenizer: ["transformers", "T5Tokenizer"],
            vae: ["adareel", "CausalVAEModel"],
            scheduler: ["diffusers", "PNDMScheduler"],
          },
          // The class's own defaults, which the authors sample with.
          files: {
            "scheduler/scheduler_config.json": { beta_schedule: "linear", beta_start: 1e-4, beta_end: 0.02 },
          },
        },
      },
      needs: {
        parameters: { transformer: 1_057_246_880, text_encoder: 4_762_310_656, vae: 149_510_169 },
        memoryGiB: { cpu: 8.2, gpu: 15.6, gpuOpen: 28.2 },
      },
      benchmark: {
        parts: {
          transformer: {
            className: "LatteT2V",
            config: {
              ...publishedLatteConfig,
              sample_size: [64, 64],
              video_length: 17,
              model_max_length: 300,
            },
          },
          text_encoder: t5XXL,
          vae: { className: "CausalVAEModel", config: autoencoderConfig },
        },
        depth: "num_layers",
        stepVideo: { width: 128, height: 96, frames: 65, fps: 24 },
        decodedVideo: { width: 48, height: 32, frames: 9, fps: 24 },
        measuredVideo: { width: 96, height: 96, frames: 9, fps: 24 },
        timesText: false,
      },
    },
    { ...ofLength({ latentFrames: 56, frames: 221 }), title: "Open-Sora-Plan 1.1, 221 frames" },
  ],
};

/**
 * Returns Open-Sora-Plan 1.1 with one of its lengths. Sources: PKU-YuanGroup/Open-Sora-Plan v1.1.0,
 * opensora/sample/sample_t2v.py; the 150 steps are from AdaCache's section 5.1.
 */
function ofLength({ latentFrames, frames }: { latentFrames: number; frames: number }): PublishedModel {
  return {
    title: "Open-Sora-Plan 1.1",
    matchesTransformer: ({ video_length }) => video_length === latentFrames,
    video: {
      sizes: sizesOf("512x512"),
      frames: [frames],
      fps: [24],
      steps: 150,
      guidance_scale: 7.5,
      caption: "clean",
    },
  };
}
