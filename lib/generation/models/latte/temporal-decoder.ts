import * as z from "zod";
import { add, conv3d, Graph, mul, sigmoid, silu, type Value } from "../../onnx/index.ts";
import { bandedResnet, klDecoder, normalisation } from "../autoencoder-kl/kl-decoder.ts";
import { type Bands, eachBand } from "../bands.ts";
import type { BuildOptions } from "../build-options.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import { decoderNames, type LatentDecoder, type LatentExtent } from "../latent-decoder.ts";
import { asFrames, asVideo } from "../video-axes.ts";

/**
 * Decoder of AutoencoderKLTemporalDecoder (arXiv 2311.15127), with the key names of diffusers: the 2-D KL decoder with
 * convolutions along time after every residual block and at the end. Latte's repository has it beside the plain
 * decoder.
 */

/** Groups of every normalisation. The reference does not read them from the config. */
const GROUPS = 32;
/** Epsilon of the normalisations along time. */
const TEMPORAL_EPS = 1e-5;

/**
 * Number of frames that are decoded together, as in the reference. Each frame depends on all frames of its run, so that
 * other runs give other pictures. The activations of a run at 512x512 pixels are 6 GB in bands.
 */
const FRAMES_PER_RUN = 14;

const schema = z.object({
  latent_channels: positiveInteger,
  out_channels: z.literal(3).default(3),
  /** Channels of the stages from the picture inwards; the decoder uses them in reverse order. */
  block_out_channels: z.array(positiveInteger.multipleOf(GROUPS)).nonempty(),
  // With another number the reference skips some of the layers.
  layers_per_block: z.literal(2),
  scaling_factor: z.number().positive(),
});

export type AutoencoderKLTemporalDecoderConfig = z.infer<typeof schema>;

export function parseAutoencoderKLTemporalDecoderConfig(config: unknown): AutoencoderKLTemporalDecoderConfig {
  return parseConfig("AutoencoderKLTemporalDecoder", schema, config);
}

/** @param bandElements elements of the largest band; see `bands.ts` */
export function autoencoderKLTemporalDecoder(
  config: AutoencoderKLTemporalDecoderConfig,
  bandElements?: number,
): LatentDecoder {
  return {
    channels: config.latent_channels,
    scale: 2 ** (config.block_out_channels.length - 1),
    latentFrames: (frames) => frames,
    runs: ({ frames }) =>
      Array.from({ length: Math.ceil(frames / FRAMES_PER_RUN) }, (_, run) => ({
        frames: Math.min(FRAMES_PER_RUN, frames - run * FRAMES_PER_RUN),
      })),
    build: (extent, options) => buildDecoder(config, extent, { ...options, bandElements }),
  };
}

function buildDecoder(
  config: AutoencoderKLTemporalDecoderConfig,
  { frames, height, width }: LatentExtent,
  { bandElements, ...options }: BuildOptions & { readonly bandElements: number | undefined },
): Graph {
  const g = new Graph(options);
  const latent = g.input(decoderNames.latent, "float32", [frames, config.latent_channels, height, width]);
  const shape = {
    blockChannels: config.block_out_channels,
    layersPerBlock: config.layers_per_block,
    outChannels: config.out_channels,
    groups: GROUPS,
    hasAttention: true,
  };
  const pictures = klDecoder(mul(latent, 1 / config.scaling_factor), shape, options.weights, {
    resnet: spatioTemporalResnet,
    bandElements,
  });
  g.output(decoderNames.frames, asFrames(temporalConv(asVideo(pictures), "decoder.time_conv_out")));
  return g;
}

/** Applies a residual block within each frame and then one along time, whose share is learnt. */
function spatioTemporalResnet(x: Bands, name: string, out: number): Bands {
  const spatial = bandedResnet(x, `${name}.spatial_res_block`, out, GROUPS); // [F, C, H, W]
  const block = `${name}.temporal_res_block`;
  return x[0].graph.scope(block, () => {
    const layer = (y: Bands, part: 1 | 2) => {
      const normal = normalisation(y, `${block}.norm${part}`, GROUPS, TEMPORAL_EPS);
      return eachBand(y, (band) => temporalConv(silu(normal(band)), `${block}.conv${part}`));
    };
    const residual = layer(layer(eachBand(spatial, asVideo), 1), 2);
    const share = sigmoid(x[0].graph.weight(`${name}.time_mixer.mix_factor`, [1]));
    return eachBand(spatial, (band, i) => add(band, mul(share, asFrames(residual[i]!))));
  });
}

/**
 * Applies a convolution over three neighbouring frames, with zeros before the first and after the last; x is [1, C, F,
 * H, W].
 */
function temporalConv(x: Value, name: string): Value {
  const C = x.shape[1]!;
  const weight = x.graph.weight(`${name}.weight`, [C, C, 3, 1, 1]);
  return conv3d(x, weight, x.graph.weight(`${name}.bias`, [C]), { pads: [1, 0, 0] });
}
