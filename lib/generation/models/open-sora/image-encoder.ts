import { conv3d, div, Graph, mul, pad, silu, sub, type Value } from "../../onnx/index.ts";
import { conv as conv2d, type KLDecoderShape, norm } from "../autoencoder-kl/kl-decoder.ts";
import { klEncoder, meanOf } from "../autoencoder-kl/kl-encoder.ts";
import type { BuildOptions } from "../build-options.ts";
import { encoderNames, type ImageEncoder } from "../image-encoder.ts";
import type { LatentExtent } from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import {
  conv,
  EPS,
  type OpenSoraVAEConfig,
  openSoraSpatial,
  rateOf,
  resnets,
  SPATIAL_SCALING,
  type Temporal,
} from "./autoencoder.ts";

/**
 * Encoder of Open-Sora 1.2 for a single image. Both of its autoencoders output a mean and a variance. The authors
 * sample from them; here the means are used, so that an image always has the same latent.
 *
 * Its activations take 1.8 GiB at 1280x720 pixels, less than decoding a picture.
 */
export function openSoraImageEncoder(config: OpenSoraVAEConfig, spatial = openSoraSpatial): ImageEncoder {
  return { build: (size, options) => buildEncoder(config.vae_temporal, spatial, size, options) };
}

function buildEncoder(
  temporal: Temporal,
  spatial: KLDecoderShape,
  { height, width }: Omit<LatentExtent, "frames">,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const scale = 2 ** (spatial.blockChannels.length - 1);
  const picture = g.input(encoderNames.picture, "float32", [1, 3, height * scale, width * scale]);
  const root = "spatial_vae.module";
  const channels = 2 * temporal.in_out_channels;
  const moments = klEncoder(picture, spatial, channels, { ...options, name: `${root}.encoder` });
  const frame = meanOf(conv2d(moments, `${root}.quant_conv`, channels, 1));
  const latent = temporalEncoder(asVideo(mul(frame, SPATIAL_SCALING)), temporal);
  const perChannel = (name: string) => g.weight(name, [1, temporal.embed_dim, 1, 1, 1]);
  g.output(encoderNames.latent, div(sub(latent, perChannel("shift")), perChannel("scale")));
  return g;
}

/**
 * Encodes a frame to the mean of its latent frame [1, C, 1, H, W]. Zeros before it fill up the frames of a latent
 * frame.
 */
function temporalEncoder(frame: Value, config: Temporal): Value {
  const root = "temporal_vae.encoder";
  const { filters, num_groups, channel_multipliers, temporal_downsample } = config;
  const none = [0, 0] as const;
  let x = pad(frame, [none, none, [rateOf(config) - 1, 0], none, none]);
  x = conv(x, `${root}.conv_in`, filters, 3, false);
  for (const [level, multiple] of channel_multipliers.entries()) {
    x = resnets(x, `${root}.block_res_blocks.${level}`, multiple * filters, config);
    if (temporal_downsample[level]) x = halve(x, `${root}.conv_blocks.${level}`);
  }
  x = resnets(x, `${root}.res_blocks`, x.shape[1]!, config);
  x = conv(silu(norm(x, `${root}.norm1`, num_groups, EPS)), `${root}.conv2`, 2 * config.latent_embed_dim, 1);
  return meanOf(conv(x, "temporal_vae.quant_conv", 2 * config.embed_dim, 1));
}

/** Halves the frames: [1, C, F, H, W] -> [1, C, F / 2, H, W]. */
function halve(x: Value, name: string): Value {
  const g = x.graph;
  const C = x.shape[1]!;
  const weight = g.weight(`${name}.conv.weight`, [C, C, 3, 3, 3]);
  const none = [0, 0] as const;
  const padded = pad(x, [none, none, [1, 0], none, none]);
  return conv3d(padded, weight, g.weight(`${name}.conv.bias`, [C]), { stride: [2, 1, 1], pads: [0, 1, 1] });
}
