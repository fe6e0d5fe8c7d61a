import { add, div, Graph, silu, slice, sub, type Value } from "../../onnx/index.ts";
import type { BuildOptions } from "../build-options.ts";
import { encoderNames, type ImageEncoder } from "../image-encoder.ts";
import type { LatentExtent } from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import { causalLayers, downsampleSpace, norm, selfAttention } from "./causal-layers.ts";
import { pixelScale, type ResidualWanConfig } from "./residual-config.ts";
import { averagedDown, toPatches } from "./shortcuts.ts";

/** Encoder of Wan 2.2 TI2V-5B for the picture that a video begins with: the mean of its latent frame. */
export function residualWanEncoder(config: ResidualWanConfig): ImageEncoder {
  return { build: (size, options) => buildEncoder(config, size, options) };
}

function buildEncoder(
  config: ResidualWanConfig,
  { height, width }: Omit<LatentExtent, "frames">,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const { conv, resnet, downsampleTime } = causalLayers(g, { continues: false, isContinued: false });
  const widths = config.dim_mult.map((multiple) => multiple * config.base_dim);
  const scale = pixelScale(config);

  const picture = g.input(encoderNames.picture, "float32", [1, 3, height * scale, width * scale]);
  let x = asVideo(toPatches(picture, config.patch_size));
  x = conv(x, "encoder.conv_in", config.base_dim);
  for (const [i, out] of widths.entries()) x = stage(x, i, out);
  x = resnet(x, "encoder.mid_block.resnets.0", x.shape[1]!);
  x = selfAttention(x, "encoder.mid_block.attentions.0");
  x = resnet(x, "encoder.mid_block.resnets.1", x.shape[1]!);
  x = conv(silu(norm(x, "encoder.norm_out")), "encoder.conv_out", 2 * config.z_dim);
  const moments = conv(x, "quant_conv", 2 * config.z_dim, 1);
  g.output(encoderNames.latent, normalised(slice(moments, 1, 0, config.z_dim)));
  return g;

  function stage(before: Value, i: number, out: number): Value {
    const block = `encoder.down_blocks.${i}`;
    const isLast = i === widths.length - 1;
    const halvesTime = !isLast && config.temperal_downsample[i]!;
    let x = before;
    for (let j = 0; j < config.num_res_blocks; j++) x = resnet(x, `${block}.resnets.${j}`, out);
    if (!isLast) x = downsampleSpace(x, `${block}.downsampler.resample.1`);
    if (halvesTime) x = downsampleTime(x, `${block}.downsampler.time_conv`);
    const factors = { time: halvesTime ? 2 : 1, space: isLast ? 1 : 2 } as const;
    return add(
      x,
      g.scope(`${block}.shortcut`, () => averagedDown(before, out, factors)),
    );
  }

  /** Returns (z - mean) / std of each channel. */
  function normalised(z: Value): Value {
    const perChannel = (values: number[]) =>
      g.constant(Float32Array.from(values), [1, values.length, 1, 1, 1]);
    return div(sub(z, perChannel(config.latents_mean)), perChannel(config.latents_std));
  }
}
