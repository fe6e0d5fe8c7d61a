import type { Family } from "../family.ts";
import { autoencoderKLLTXDecoder } from "./autoencoder.ts";
import { parseAutoencoderKLLTXConfig } from "./autoencoder-config.ts";
import { ltx, parseLTXConfig } from "./transformer.ts";

/** LTX-Video 0.9 (arXiv 2501.00103). */
export const ltxVideo: Family = {
  name: "LTX-Video",
  pipelines: ["LTXPipeline", "LTXImageToVideoPipeline"],
  architectures: {
    transformers: { LTXVideoTransformer3DModel: (config, video) => ltx(parseLTXConfig(config), video) },
    decoders: {
      AutoencoderKLLTXVideo: (config) => autoencoderKLLTXDecoder(parseAutoencoderKLLTXConfig(config)),
    },
  },
  parts: "LTX-Video, T5 v1.1 XXL, its autoencoder",
  sampler: "Euler, with a shift by the number of tokens",
  supplements: [],
  models: [],
};
