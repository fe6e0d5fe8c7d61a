import {
  add,
  concat,
  div,
  Graph,
  mul,
  reduceMean,
  reshape,
  silu,
  slice,
  sub,
  transpose,
  type Value,
} from "../../onnx/index.ts";
import type { BuildOptions } from "../build-options.ts";
import { encoderNames, type ImageEncoder } from "../image-encoder.ts";
import type { LatentExtent } from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import { compressionOf } from "./autoencoder.ts";
import { type AutoencoderKLLTXConfig, encoderBlocks } from "./autoencoder-config.ts";
import { conv, pixelNorm, resnet, resnets } from "./autoencoder-layers.ts";

/** Frames, rows and columns that a stage makes one of, by the type of its downsampler. */
const STRIDES = { spatial: [1, 2, 2], temporal: [2, 1, 1], spatiotemporal: [2, 2, 2] } as const;

type Stride = (typeof STRIDES)[keyof typeof STRIDES];

/**
 * Encodes an image to the mean of its latents. diffusers' pipelines sample around it; here an image always has the same
 * latent. Convolutions are causal, so the latent is that of the first frame of any video that begins with the image.
 */
export function autoencoderKLLTXImageEncoder(config: AutoencoderKLLTXConfig): ImageEncoder {
  return { build: (size, options) => buildEncoder(config, size, options) };
}

function buildEncoder(
  config: AutoencoderKLLTXConfig,
  { height, width }: Omit<LatentExtent, "frames">,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const { latent_channels, block_out_channels: widths, layers_per_block: counts } = config;
  const { scale } = compressionOf(config);
  const layer = { isCausal: true, eps: config.resnet_norm_eps };
  const picture = g.input(encoderNames.picture, "float32", [1, 3, height * scale, width * scale]);

  let x = conv(patched(asVideo(picture), config.patch_size), "encoder.conv_in", widths[0]!, layer);
  for (let i = 0; i < encoderBlocks(config); i++) x = block(x, i);
  x = resnets(x, "encoder.mid_block", counts.at(-1)!, () => layer);
  x = conv(silu(pixelNorm(x)), "encoder.conv_out", latent_channels + 1, layer);
  g.output(encoderNames.latent, normalised(slice(x, 1, 0, latent_channels))); // the last channel is the variance
  return g;

  function block(x: Value, i: number): Value {
    const name = `encoder.down_blocks.${i}`;
    const type = config.downsample_type[i]!;
    const isNewer = config.down_block_types[i] === "LTXVideo095DownBlock3D";
    const out = isNewer ? widths[i + 1]! : (widths[i + 1] ?? widths[i]!);
    let y = resnets(x, name, counts[i]!, () => layer);
    if (config.spatio_temporal_scaling[i]) {
      const downsampler = `${name}.downsamplers.0`;
      const isConvolution = !isNewer || type === "conv";
      y = isConvolution
        ? conv(y, downsampler, y.shape[1]!, { ...layer, stride: 2 })
        : downsampled(y, downsampler, out, STRIDES[type]);
    }
    return isNewer || y.shape[1] === out ? y : resnet(y, `${name}.conv_out`, out, layer);
  }

  /** Returns (z - mean) / std * factor of each channel, which the decoder takes back. */
  function normalised(z: Value): Value {
    const perChannel = (name: string) =>
      reshape(g.weight(name, [latent_channels]), [latent_channels, 1, 1, 1]);
    return mul(div(sub(z, perChannel("latents_mean")), perChannel("latents_std")), config.scaling_factor);
  }
}

/**
 * Moves frames, rows and columns into channels after a convolution. The input is rearranged likewise, and the means of
 * groups of its channels are added. The first frame is doubled where frames are halved.
 */
function downsampled(x: Value, name: string, out: number, stride: Stride): Value {
  return x.graph.scope(name, () => {
    const whole = stride[0] === 2 ? concat([slice(x, 2, 0, 1), x], 2) : x;
    const parts = stride[0] * stride[1] * stride[2];
    const made = gathered(conv(whole, `${name}.conv`, out / parts, { isCausal: true }), stride);
    const [, C, F, H, W] = made.shape as [number, number, number, number, number];
    const grouped = reshape(gathered(whole, stride), [C, -1, F, H, W]);
    return add(made, reshape(reduceMean(grouped, { axes: [1] }), [1, C, F, H, W]));
  });
}

/** Turns stride[0] frames of stride[1] rows and stride[2] columns of [1, C, F, H, W] into channels. */
function gathered(x: Value, [s, r, c]: Stride): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  const parts = transpose(reshape(x, [C, F / s, s, H / r, r, W / c, c]), [0, 2, 4, 6, 1, 3, 5]);
  return reshape(parts, [1, C * s * r * c, F / s, H / r, W / c]);
}

/** Turns patches of p * p pixels of [1, C, F, H, W] into channels, columns before rows. */
function patched(x: Value, p: number): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  const patches = transpose(reshape(x, [C, F, H / p, p, W / p, p]), [0, 5, 3, 1, 2, 4]);
  return reshape(patches, [1, C * p ** 2, F, H / p, W / p]);
}
