import type { Family } from "../family.ts";
import { autoencoderKLWanDecoder, parseAutoencoderKLWanConfig } from "./autoencoder.ts";
import { autoencoderKLWanEncoder } from "./encoder.ts";
import { wanLoraNaming } from "./lora-naming.ts";
import { pictureModels } from "./picture-models.ts";
import { isResidualWan, parseResidualWanConfig } from "./residual-config.ts";
import { residualWanDecoder } from "./residual-decoder.ts";
import { residualWanEncoder } from "./residual-encoder.ts";
import { textModels } from "./text-models.ts";
import { parseWanConfig, wan as wanTransformer } from "./transformer.ts";

/** Wan 2.1 and Wan 2.2 A14B (arXiv 2503.20314). */
export const wan: Family = {
  name: "Wan",
  pipelines: ["WanPipeline", "WanImageToVideoPipeline"],
  architectures: {
    transformers: {
      WanTransformer3DModel: (config, ...built) => wanTransformer(parseWanConfig(config), ...built),
    },
    decoders: {
      AutoencoderKLWan: (config) =>
        isResidualWan(config)
          ? residualWanDecoder(parseResidualWanConfig(config))
          : autoencoderKLWanDecoder(parseAutoencoderKLWanConfig(config)),
    },
    imageEncoders: {
      AutoencoderKLWan: (config) =>
        isResidualWan(config)
          ? residualWanEncoder(parseResidualWanConfig(config))
          : autoencoderKLWanEncoder(parseAutoencoderKLWanConfig(config)),
    },
  },
  parts: "Wan, UMT5 XXL, Wan's autoencoder",
  sampler: "UniPC or Euler, with shift",
  lora: wanLoraNaming,
  supplements: [],
  models: [...textModels, ...pictureModels],
};
