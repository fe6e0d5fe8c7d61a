import { add } from "../../onnx/index.ts";
import type { LatentDecoder } from "../latent-decoder.ts";
import { causalDecoder } from "./causal-decoder.ts";
import { upsampleSpace } from "./causal-layers.ts";
import { pixelScale, type ResidualWanConfig } from "./residual-config.ts";
import { fromPatches, repeatedUp } from "./shortcuts.ts";

/**
 * Decoder of Wan 2.2 TI2V-5B, with the key names of diffusers' AutoencoderKLWan. It is cut into runs as that of Wan 2.1
 * is, and as there no frame depends on a later one.
 */
export function residualWanDecoder(config: ResidualWanConfig): LatentDecoder {
  return causalDecoder(config, {
    scale: pixelScale(config),
    pictures: (frames) => fromPatches(frames, config.patch_size),
    upsample(x, { block, before, out, doublesTime, layers, continues, edges, lostInLayers, lost }) {
      const name = `${block}.upsampler`;
      const longer = doublesTime ? layers.upsampleTime(x, `${name}.time_conv`) : x;
      const larger = upsampleSpace(longer, `${name}.resample.1`, out, { edges, lost });
      const factors = { time: doublesTime ? 2 : 1, space: 2, isBeginning: !continues } as const;
      return add(
        larger,
        x.graph.scope(`${block}.shortcut`, () =>
          edges.cropped(repeatedUp(edges.cropped(before, lostInLayers), out, factors), lost),
        ),
      );
    },
  });
}
