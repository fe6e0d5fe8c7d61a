import type { Config, Family } from "../family.ts";
import { t5Sources, t5Tokenizer, t5XXL } from "../t5-xxl.ts";
import { sizesOf } from "../video-member.ts";
import { openSoraVAEDecoder, parseOpenSoraVAEConfig } from "./autoencoder.ts";
import { openSoraImageEncoder } from "./image-encoder.ts";
import { parseSTDiT3Config, stdit3 } from "./transformer.ts";

const decoder = (config: unknown) => openSoraVAEDecoder(parseOpenSoraVAEConfig(config));
const imageEncoder = (config: unknown) => openSoraImageEncoder(parseOpenSoraVAEConfig(config));

const transformerConfig: Config = {
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
};

const autoencoderConfig: Config = {
  vae_2d: { type: "VideoAutoencoderKL" },
  vae_temporal: { type: "VAE_Temporal_SD" },
  micro_frame_size: 17,
};

/** Open-Sora (github.com/hpcaitech/Open-Sora). */
export const openSora: Family = {
  name: "Open-Sora",
  pipelines: ["OpenSoraPipeline"],
  architectures: {
    transformers: { STDiT3: (config, video) => stdit3(parseSTDiT3Config(config), video) },
    // The published checkpoint names the second class.
    decoders: { OpenSoraVAE_V1_2: decoder, VideoAutoencoderPipeline: decoder },
    imageEncoders: { OpenSoraVAE_V1_2: imageEncoder, VideoAutoencoderPipeline: imageEncoder },
  },
  parts: "STDiT3, T5 v1.1 XXL, its temporal autoencoder over SDXL's",
  sampler: "rectified flow",
  recipe: { picture_filter: "bicubic" },
  guidesBelowOne: true,
  supplements: [t5Tokenizer],
  models: [
    {
      // hpcaitech/Open-Sora v1.2.0: configs/opensora-v1-2/inference/sample.py for steps, guidance and score,
      // datasets/aspect.py for sizes, utils/inference_utils.py for the suffix. Its 17 frames are 5 latent frames. A
      // latent element is 8 pixels wide and high; pixels beyond a multiple of 8 are cut off. AdaCache's demo has a
      // score of 7.
      title: "Open-Sora 1.2",
      needs: {
        parameters: { transformer: 1_207_643_936, text_encoder: 4_762_310_656, vae: 214_756_151 },
        memoryGiB: { cpu: 7.4, gpu: 9.1, gpuOpen: 16 },
      },
      // Not the demo model, which has no decoder over time and was trained on other prompts.
      matchesIndex: ({ vae }) => Array.isArray(vae) && vae[1] !== "AutoencoderKL",
      video: {
        sizes: [
          ...sizesOf("848x480", "480x848", "640x640", "424x240", "240x424", "320x320"),
          ...sizesOf("640x360", "360x640", "480x480", "1280x720", "720x1280", "960x960"),
        ],
        frames: [51, 17, 34, 68, 102, 204, 408],
        fps: [24],
        steps: 30,
        guidance_scale: 7,
        caption: "clean",
        prompt_suffix: " aesthetic score: 6.5.",
        takes_image: true,
        nominal_size: {
          "848x480": [854, 480],
          "480x848": [480, 854],
          "424x240": [426, 240],
          "240x424": [240, 426],
        },
      },
      hub: {
        name: "open-sora-1.2",
        gigabytes: 16,
        id: "hpcai-tech/OpenSora-STDiT-v3",
        assembly: {
          sources: [
            { part: "transformer", id: "hpcai-tech/OpenSora-STDiT-v3", folder: "" },
            { part: "vae", id: "hpcai-tech/OpenSora-VAE-v1.2", folder: "" },
            ...t5Sources,
          ],
          index: {
            _class_name: "OpenSoraPipeline",
            transformer: ["adareel", "STDiT3"],
            text_encoder: ["transformers", "T5EncoderModel"],
            tokenizer: ["transformers", "T5Tokenizer"],
            vae: ["adareel", "OpenSoraVAE_V1_2"],
            scheduler: ["adareel", "RFlowScheduler"],
          },
          files: {
            "scheduler/scheduler_config.json": { num_train_timesteps: 1000, use_timestep_transform: true },
          },
        },
      },
      benchmark: {
        parts: {
          transformer: { className: "STDiT3", config: transformerConfig },
          text_encoder: t5XXL,
          vae: { className: "OpenSoraVAE_V1_2", config: autoencoderConfig },
        },
        depth: "depth",
        stepVideo: { width: 128, height: 96, frames: 51, fps: 24 },
        decodedVideo: { width: 48, height: 32, frames: 17, fps: 24 },
        measuredVideo: { width: 96, height: 96, frames: 17, fps: 24 },
        timesText: false,
      },
    },
  ],
};
