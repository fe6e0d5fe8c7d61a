import type { Config, Family } from "../family.ts";
import { t5Tokenizer, t5XXL } from "../t5-xxl.ts";
import { autoencoderKLLTXDecoder } from "./autoencoder.ts";
import { parseAutoencoderKLLTXConfig } from "./autoencoder-config.ts";
import { autoencoderKLLTXImageEncoder } from "./image-encoder.ts";
import { ltxLoraNaming } from "./lora-naming.ts";
import { T5_PARAMETERS, video } from "./published.ts";
import { ltx, parseLTXConfig } from "./transformer.ts";

const transformerConfig: Config = {
  in_channels: 128,
  out_channels: 128,
  patch_size: 1,
  patch_size_t: 1,
  num_attention_heads: 32,
  attention_head_dim: 64,
  cross_attention_dim: 2048,
  num_layers: 28,
  activation_fn: "gelu-approximate",
  qk_norm: "rms_norm_across_heads",
  norm_elementwise_affine: false,
  norm_eps: 1e-6,
  caption_channels: 4096,
  attention_bias: true,
  attention_out_bias: true,
};

/** Configuration of 0.9.0, whose values are the defaults of diffusers' class. */
const autoencoderConfig: Config = { latent_channels: 128 };

/** LTX-Video 0.9.0 (arXiv 2501.00103), and the parts of all versions. */
export const ltxVideo: Family = {
  name: "LTX-Video",
  pipelines: ["LTXPipeline", "LTXImageToVideoPipeline"],
  architectures: {
    transformers: {
      LTXVideoTransformer3DModel: (config, video, { pipeline } = {}) =>
        ltx(parseLTXConfig(config), video, pipeline),
    },
    decoders: {
      AutoencoderKLLTXVideo: (config) => autoencoderKLLTXDecoder(parseAutoencoderKLLTXConfig(config)),
    },
    imageEncoders: {
      AutoencoderKLLTXVideo: (config) => autoencoderKLLTXImageEncoder(parseAutoencoderKLLTXConfig(config)),
    },
  },
  parts: "LTX-Video, T5 v1.1 XXL, its autoencoder",
  sampler: "Euler, with a shift by the number of tokens",
  lora: ltxLoraNaming,
  recipe: { noise_spacing: "even" },
  supplements: [t5Tokenizer],
  models: [
    {
      // From memory: the repository, and that its files have 32 bit.
      title: "LTX-Video 0.9.0",
      matchesTransformer: ({ num_layers }) => num_layers === 28,
      needs: {
        parameters: { transformer: 1_923_385_472, text_encoder: T5_PARAMETERS, vae: 238_789_552 },
        memoryGiB: { cpu: 8.8, gpu: 9, gpuOpen: 22.4 },
      },
      video,
      hub: { name: "ltx-video-0.9.0", gigabytes: 28, id: "Lightricks/LTX-Video" },
      benchmark: {
        parts: {
          transformer: { className: "LTXVideoTransformer3DModel", config: transformerConfig },
          text_encoder: t5XXL,
          vae: { className: "AutoencoderKLLTXVideo", config: autoencoderConfig },
        },
        depth: "num_layers",
        stepVideo: { width: 512, height: 320, frames: 25, fps: 25 },
        decodedVideo: { width: 96, height: 64, frames: 9, fps: 25 },
        measuredVideo: { width: 192, height: 128, frames: 17, fps: 25 },
        timesText: false,
      },
    },
  ],
};
