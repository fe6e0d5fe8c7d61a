import type { Family } from "../family.ts";
import { autoencoderKLWanDecoder, parseAutoencoderKLWanConfig } from "./autoencoder.ts";
import { bothModels } from "./both-models.ts";
import { distilledModels } from "./distilled-models.ts";
import { autoencoderKLWanEncoder } from "./encoder.ts";
import { wanLoraNaming } from "./lora-naming.ts";
import { pictureModels } from "./picture-models.ts";
import { isResidualWan, parseResidualWanConfig } from "./residual-config.ts";
import { residualWanDecoder } from "./residual-decoder.ts";
import { residualWanEncoder } from "./residual-encoder.ts";
import { skyReelsModels } from "./sky-reels-models.ts";
import { textModels } from "./text-models.ts";
import { parseSkyReelsConfig, parseWanConfig, skyReels, wan as wanTransformer } from "./transformer.ts";

/** Wan 2.1 and Wan 2.2 (arXiv 2503.20314), and SkyReels-V2 (arXiv 2504.13074), which has Wan's layers. */
export const wan: Family = {
  name: "Wan",
  pipelines: ["WanPipeline", "WanImageToVideoPipeline", "WanDMDPipeline", "SkyReelsV2Pipeline"],
  architectures: {
    transformers: {
      WanTransformer3DModel: (config, video, { weights } = {}) =>
        wanTransformer(parseWanConfig(config), video, weights),
      SkyReelsV2Transformer3DModel: (config, video, { weights } = {}) =>
        skyReels(parseSkyReelsConfig(config), video, weights),
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
  sampler: "UniPC, Euler or DMD, with shift",
  lora: wanLoraNaming,
  supplements: [],
  // Those with a pipeline class or a flag of their own come first.
  models: [...distilledModels, ...bothModels, ...skyReelsModels, ...textModels, ...pictureModels],
};
