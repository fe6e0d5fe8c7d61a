import * as z from "zod";
import {
  add,
  conv3d,
  Graph,
  mul,
  pad,
  reshape,
  silu,
  slice,
  transpose,
  type Value,
} from "../../onnx/index.ts";
import { conv as conv2d, type KLDecoderShape, klDecoder, norm } from "../autoencoder-kl/kl-decoder.ts";
import type { BuildOptions, NamedWeights } from "../build-options.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import {
  type DecoderRun,
  decoderNames,
  framesPerRun,
  type LatentDecoder,
  type LatentExtent,
} from "../latent-decoder.ts";
import { asFrames, asVideo } from "../video-axes.ts";

/**
 * Decoder of Open-Sora 1.2 (github.com/hpcaitech/Open-Sora, tag v1.2.0, OpenSoraVAE_V1_2), with the key names of its
 * checkpoint: a causal decoder along time, and a 2-D KL decoder that turns the resulting frames into pictures.
 *
 * In shapes F, H, W are those of the stage at hand, and the batch is 1.
 */

/** Epsilon of the normalisations along time. */
export const EPS = 1e-5;
/** Factor of the latents of the 2-D autoencoder, whatever its own config says. */
export const SPATIAL_SCALING = 0.18215;

const temporalSchema = z.object({
  type: z.literal("VAE_Temporal"),
  in_out_channels: positiveInteger,
  latent_embed_dim: positiveInteger,
  embed_dim: positiveInteger,
  filters: positiveInteger,
  num_res_blocks: positiveInteger,
  /** Channel multipliers from the frames inwards; the decoder uses them in reverse order. */
  channel_multipliers: z.array(positiveInteger).nonempty(),
  /** True for each stage of the encoder after which the frames are halved; the decoder uses them in reverse order. */
  temporal_downsample: z.array(z.boolean()),
  num_groups: positiveInteger,
});

export type Temporal = z.infer<typeof temporalSchema>;

/** Configuration that the published config calls VAE_Temporal_SD. */
const published: Temporal = {
  type: "VAE_Temporal",
  in_out_channels: 4,
  latent_embed_dim: 4,
  embed_dim: 4,
  filters: 128,
  num_res_blocks: 4,
  channel_multipliers: [1, 2, 2, 4],
  temporal_downsample: [false, true, true],
  num_groups: 32,
};

/** Shape of the 2-D autoencoder, of which the config has only the name. */
export const openSoraSpatial: KLDecoderShape = {
  blockChannels: [128, 256, 512, 512],
  layersPerBlock: 2,
  outChannels: 3,
  groups: 32,
  hasAttention: true,
};

const schema = z
  .object({
    vae_2d: z.object({ type: z.literal("VideoAutoencoderKL") }),
    vae_temporal: z.discriminatedUnion("type", [
      z.object({ type: z.literal("VAE_Temporal_SD") }).transform(() => published),
      temporalSchema,
    ]),
    /** Number of frames of the video that are decoded together. */
    micro_frame_size: positiveInteger,
    // With it, latents would not be scaled.
    cal_loss: z.literal(false).default(false),
  })
  .refine((c) => c.micro_frame_size % rateOf(c.vae_temporal) === 1, {
    path: ["micro_frame_size"],
    message: "must be one more than a multiple of the frames of a latent frame",
  })
  .refine(({ vae_temporal: c }) => c.temporal_downsample.length === c.channel_multipliers.length - 1, {
    path: ["vae_temporal", "temporal_downsample"],
    message: "must have one entry less than channel_multipliers",
  });

export type OpenSoraVAEConfig = z.infer<typeof schema>;

export function parseOpenSoraVAEConfig(config: unknown): OpenSoraVAEConfig {
  return parseConfig("OpenSoraVAE_V1_2", schema, config);
}

/** Returns the number of frames that a latent frame becomes. */
export function rateOf({ temporal_downsample }: Pick<Temporal, "temporal_downsample">): number {
  return 2 ** temporal_downsample.filter(Boolean).length;
}

/**
 * Decodes a video in independent chunks of `micro_frame_size` frames: the published 17 frames are 5 latent frames, and
 * an image is 1.
 *
 * Large pictures are decoded one by one, after the frames of all chunks. The activations are 1.9 KB for each pixel of a
 * picture in bands: 1.7 GB at 1280x720 pixels, and 1.2 GB for a chunk of frames before.
 */
export function openSoraVAEDecoder(
  config: OpenSoraVAEConfig,
  spatial = openSoraSpatial,
  bandElements?: number,
): LatentDecoder {
  const { vae_temporal: temporal, micro_frame_size: chunk } = config;
  const rate = rateOf(temporal);
  const chunkLatents = Math.ceil(chunk / rate);
  const scale = 2 ** (spatial.blockChannels.length - 1);
  return {
    channels: temporal.embed_dim,
    scale,
    latentFrames(frames) {
      if (frames === 1) return 1;
      if (frames >= chunk && frames % chunk === 0) return (frames / chunk) * chunkLatents;
      throw new RangeError(
        `This model makes an image or videos of ${chunk}, ${2 * chunk}, ${3 * chunk} and so on frames, not ${frames}.`,
      );
    },
    runs({ frames, height, width }) {
      const chunks = Math.ceil(frames / chunkLatents);
      const latents = Math.min(frames, chunkLatents);
      const pictures = (latents - 1) * rate + 1;
      const together = framesPerRun(pictures, height * width * scale ** 2);
      if (together === pictures) return Array.from({ length: chunks }, () => ({ frames: latents }));
      return [
        ...Array.from({ length: chunks }, () => ({ frames: latents, makesFeatures: true })),
        ...Array.from({ length: (chunks * pictures) / together }, () => ({
          frames: together,
          takesFeatures: true,
        })),
      ];
    },
    build: (run, options) => buildDecoder(temporal, spatial, run, { ...options, bandElements }),
  };
}

function buildDecoder(
  temporal: Temporal,
  spatial: KLDecoderShape,
  { frames, height, width, makesFeatures, takesFeatures }: DecoderRun & LatentExtent,
  { bandElements, ...options }: BuildOptions & { readonly bandElements: number | undefined },
): Graph {
  const g = new Graph(options);
  const C = temporal.embed_dim;
  const ofFeatures = (x: Value) =>
    g.output(decoderNames.frames, pictures(x, spatial, { weights: options.weights, bandElements }));
  if (takesFeatures) {
    ofFeatures(g.input(decoderNames.features, "float32", [frames, temporal.in_out_channels, height, width]));
    return g;
  }
  const z = asVideo(g.input(decoderNames.latent, "float32", [frames, C, height, width]));
  const perChannel = (name: string) => g.weight(name, [1, C, 1, 1, 1]);
  const decoded = temporalDecoder(add(mul(z, perChannel("scale")), perChannel("shift")), temporal);
  if (makesFeatures) g.output(decoderNames.features, asFrames(decoded));
  else ofFeatures(asFrames(decoded));
  return g;
}

/**
 * Decodes a latent to frames [1, C, (F - 1) * rate + 1, H, W]. The first rate - 1 frames are dropped: the encoder
 * padded them.
 */
function temporalDecoder(latent: Value, config: Temporal): Value {
  const root = "temporal_vae.decoder";
  const widths = config.channel_multipliers.map((multiple) => multiple * config.filters);
  let x = conv(latent, "temporal_vae.post_quant_conv", config.latent_embed_dim, 1);
  x = conv(x, `${root}.conv1`, widths.at(-1)!);
  x = resnets(x, `${root}.res_blocks`, widths.at(-1)!, config);
  for (const [level, out] of [...widths.entries()].reverse()) {
    x = resnets(x, `${root}.block_res_blocks.${level}`, out, config);
    const below = level - 1;
    if (config.temporal_downsample[below]) x = interleave(conv(x, `${root}.conv_blocks.${below}`, 2 * out));
  }
  x = conv(
    silu(norm(x, `${root}.norm1`, config.num_groups, EPS)),
    `${root}.conv_out`,
    config.in_out_channels,
  );
  return slice(x, 2, rateOf(config) - 1, x.shape[2]!);
}

/** Interleaves the halves of the channels as frames: [1, 2C, F, H, W] -> [1, C, 2F, H, W]. */
function interleave(x: Value): Value {
  const [, both, F, H, W] = x.shape as [number, number, number, number, number];
  const pairs = transpose(reshape(x, [1, both / 2, 2, F, H, W]), [0, 1, 3, 2, 4, 5]);
  return reshape(pairs, [1, both / 2, 2 * F, H, W]);
}

export function resnets(x: Value, name: string, out: number, config: Temporal): Value {
  return Array.from({ length: config.num_res_blocks }).reduce<Value>(
    (y, _, i) => resnet(y, `${name}.${i}`, out, config.num_groups),
    x,
  );
}

function resnet(x: Value, name: string, out: number, groups: number): Value {
  return x.graph.scope(name, () => {
    const unbiased = (y: Value, part: string) => conv(y, `${name}.${part}`, out, 3, false);
    const h = unbiased(silu(norm(x, `${name}.norm1`, groups, EPS)), "conv1");
    const residual = unbiased(silu(norm(h, `${name}.norm2`, groups, EPS)), "conv2");
    const shortcut = x.shape[1] === out ? x : conv(x, `${name}.conv3`, out, 1, false);
    return add(shortcut, residual);
  });
}

/**
 * Applies a causal convolution: along time it sees only the frame itself and earlier ones, and zeros before the first.
 */
export function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3, isBiased = true): Value {
  const g = x.graph;
  const weight = g.weight(`${name}.conv.weight`, [out, x.shape[1]!, kernel, kernel, kernel]);
  const bias = isBiased ? g.weight(`${name}.conv.bias`, [out]) : undefined;
  if (kernel === 1) return conv3d(x, weight, bias);
  const none = [0, 0] as const;
  return conv3d(pad(x, [none, none, [2, 0], none, none]), weight, bias, { pads: [0, 1, 1] });
}

/** Decodes frames [F, C, H, W] to pictures [F, 3, H * scale, W * scale]. */
function pictures(
  x: Value,
  spatial: KLDecoderShape,
  { weights, bandElements }: { readonly weights: NamedWeights; readonly bandElements: number | undefined },
): Value {
  const root = "spatial_vae.module";
  const latent = conv2d(mul(x, 1 / SPATIAL_SCALING), `${root}.post_quant_conv`, x.shape[1]!, 1);
  return klDecoder(latent, spatial, weights, { name: `${root}.decoder`, bandElements });
}
