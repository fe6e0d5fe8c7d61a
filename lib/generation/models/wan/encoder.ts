import { div, Graph, silu, sub, type Value } from "../../onnx/index.ts";
import { meanOf } from "../autoencoder-kl/kl-encoder.ts";
import type { BuildOptions } from "../build-options.ts";
import { type EncoderRun, encoderNames, type ImageEncoder } from "../image-encoder.ts";
import { causalLatentFrames, type LatentExtent } from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import { type AutoencoderKLWanConfig, rateOf, scaleOf } from "./autoencoder.ts";
import { causalLayers, downsampleSpace, norm, selfAttention } from "./causal-layers.ts";
import { causalRuns } from "./causal-runs.ts";

/**
 * Encoder of Wan's causal video autoencoder (arXiv 2503.20314), the mirror of its decoder. The first frame of a video
 * becomes one latent frame, and every few after it another. The autoencoder would sample; here the means are used.
 */
export function autoencoderKLWanEncoder(config: AutoencoderKLWanConfig): ImageEncoder {
  const rate = rateOf(config);
  return {
    runs({ frames, height, width }) {
      const latentFrames = causalLatentFrames(frames, rate);
      const runs = causalRuns(latentFrames, height * width * scaleOf(config) ** 2 * rate);
      return runs.map((run) => ({ ...run, frames: rate * run.frames - (run.continues ? 0 : rate - 1) }));
    },
    build: (run, options) => buildEncoder(config, { frames: 1, ...run }, options),
  };
}

function buildEncoder(
  config: AutoencoderKLWanConfig,
  { frames, height, width, continues = false, isContinued = false }: EncoderRun & LatentExtent,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const { conv, resnet, downsampleTime } = causalLayers(g, { continues, isContinued });
  const widths = config.dim_mult.map((multiple) => multiple * config.base_dim);
  const inner = widths.at(-1)!;
  const moments = 2 * config.z_dim;
  const scale = scaleOf(config);

  const pictures = g.input(encoderNames.picture, "float32", [frames, 3, height * scale, width * scale]);
  let x = conv(asVideo(pictures), "encoder.conv_in", config.base_dim);
  let layer = 0; // resnets and resamplings are numbered together
  const nextName = () => `encoder.down_blocks.${layer++}`;
  for (const [i, out] of widths.entries()) {
    for (let j = 0; j < config.num_res_blocks; j++) x = resnet(x, nextName(), out);
    if (i === widths.length - 1) break;
    const name = nextName();
    x = downsampleSpace(x, `${name}.resample.1`);
    if (config.temperal_downsample[i]) x = downsampleTime(x, `${name}.time_conv`);
  }
  x = resnet(x, "encoder.mid_block.resnets.0", inner);
  x = selfAttention(x, "encoder.mid_block.attentions.0");
  x = resnet(x, "encoder.mid_block.resnets.1", inner);
  x = conv(silu(norm(x, "encoder.norm_out")), "encoder.conv_out", moments);
  g.output(encoderNames.latent, normalised(meanOf(conv(x, "quant_conv", moments, 1))));
  return g;

  /** Returns (z - mean) / std of each channel. */
  function normalised(z: Value): Value {
    const perChannel = (values: number[]) =>
      g.constant(Float32Array.from(values), [1, values.length, 1, 1, 1]);
    return div(sub(z, perChannel(config.latents_mean)), perChannel(config.latents_std));
  }
}
