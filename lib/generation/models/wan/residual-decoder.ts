import { add, Graph, mul, silu, type Value } from "../../onnx/index.ts";
import type { BuildOptions } from "../build-options.ts";
import {
  causalLatentFrames,
  type DecoderRun,
  decoderNames,
  type LatentDecoder,
  type LatentExtent,
} from "../latent-decoder.ts";
import { asFrames, asVideo } from "../video-axes.ts";
import { causalLayers, norm, selfAttention, upsampleSpace } from "./causal-layers.ts";
import { causalRuns } from "./causal-runs.ts";
import { pixelScale, type ResidualWanConfig } from "./residual-config.ts";
import { fromPatches, repeatedUp } from "./shortcuts.ts";

/**
 * Decoder of Wan 2.2 TI2V-5B, with the key names of diffusers' AutoencoderKLWan. It is cut into runs as that of Wan 2.1
 * is, and as there no frame depends on a later one.
 */
export function residualWanDecoder(config: ResidualWanConfig): LatentDecoder {
  const scale = pixelScale(config);
  const rate = 2 ** config.temperal_downsample.filter(Boolean).length;
  return {
    channels: config.z_dim,
    scale,
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs: ({ frames, height, width }) => causalRuns(frames, height * width * scale ** 2 * rate),
    build: (run, options) => buildDecoder(config, run, options),
  };
}

function buildDecoder(
  config: ResidualWanConfig,
  { frames, height, width, continues = false, isContinued = false }: DecoderRun & LatentExtent,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const { conv, resnet, upsampleTime } = causalLayers(g, { continues, isContinued });
  const dim = config.decoder_base_dim ?? config.base_dim;
  const widths = config.dim_mult.toReversed().map((multiple) => multiple * dim);
  const upsamplesTime = config.temperal_downsample.toReversed();

  const latent = g.input(decoderNames.latent, "float32", [frames, config.z_dim, height, width]);
  let x = conv(asVideo(denormalised(latent)), "post_quant_conv", config.z_dim, 1);
  x = conv(x, "decoder.conv_in", widths[0]!);
  x = resnet(x, "decoder.mid_block.resnets.0", widths[0]!);
  x = selfAttention(x, "decoder.mid_block.attentions.0");
  x = resnet(x, "decoder.mid_block.resnets.1", widths[0]!);
  for (const [i, out] of widths.entries()) x = stage(x, i, out);
  x = conv(silu(norm(x, "decoder.norm_out")), "decoder.conv_out", config.out_channels);
  g.output(decoderNames.frames, fromPatches(asFrames(x), config.patch_size));
  return g;

  function stage(before: Value, i: number, out: number): Value {
    const block = `decoder.up_blocks.${i}`;
    let x = before;
    for (let j = 0; j <= config.num_res_blocks; j++) x = resnet(x, `${block}.resnets.${j}`, out);
    if (i === widths.length - 1) return x;
    const doublesTime = upsamplesTime[i] ?? false;
    if (doublesTime) x = upsampleTime(x, `${block}.upsampler.time_conv`);
    x = upsampleSpace(x, `${block}.upsampler.resample.1`, out);
    const factors = { time: doublesTime ? 2 : 1, space: 2, isBeginning: !continues } as const;
    return add(
      x,
      g.scope(`${block}.shortcut`, () => repeatedUp(before, out, factors)),
    );
  }

  /** Returns z * std + mean of each channel. */
  function denormalised(z: Value): Value {
    const perChannel = (values: number[]) => g.constant(Float32Array.from(values), [1, values.length, 1, 1]);
    return add(mul(z, perChannel(config.latents_std)), perChannel(config.latents_mean));
  }
}
