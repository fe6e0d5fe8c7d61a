import * as z from "zod";
import {
  add,
  attention,
  concat,
  conv2d,
  conv3d,
  Graph,
  mul,
  reshape,
  sigmoid,
  silu,
  slice,
  sub,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../../onnx/index.ts";
import { norm, normalisation } from "../autoencoder-kl/kl-decoder.ts";
import { BAND_ELEMENTS, type Bands, convolved, eachBand, enlarged, type RowLayer, whole } from "../bands.ts";
import type { BuildOptions } from "../build-options.ts";
import { parseConfig, positiveInteger } from "../config.ts";
import {
  causalLatentFrames,
  type DecoderRun,
  decoderNames,
  type LatentDecoder,
  type LatentExtent,
} from "../latent-decoder.ts";
import { inTiles } from "../tiles.ts";
import { asFrames, asVideo } from "../video-axes.ts";

/**
 * Decoder of Open-Sora-Plan 1.1 (github.com/PKU-YuanGroup/Open-Sora-Plan, tag v1.1.0, CausalVAEModel), with the key
 * names of its checkpoint. The first latent frame becomes one frame of the video, and every other becomes several.
 *
 * In shapes F, H, W are those of the stage at hand, and the batch is 1.
 */

const oneOf = (...modules: [string, ...string[]]) => z.enum(modules);

const schema = z
  .object({
    hidden_size: positiveInteger,
    z_channels: positiveInteger,
    embed_dim: positiveInteger,
    /**
     * Channel multipliers from the picture inwards; the decoder uses them and its lists of modules in reverse order.
     */
    hidden_size_mult: z.array(positiveInteger).nonempty(),
    num_res_blocks: z.int().nonnegative(),
    attn_resolutions: z.array(z.never()),
    q_conv: oneOf("CausalConv3d"),
    decoder_conv_in: oneOf("CausalConv3d"),
    decoder_conv_out: oneOf("CausalConv3d"),
    decoder_mid_resnet: oneOf("ResnetBlock3D"),
    decoder_resnet_blocks: z.array(oneOf("ResnetBlock3D")),
    decoder_attention: oneOf("AttnBlock3DFix", "AttnBlock3D"),
    decoder_spatial_upsample: z.array(oneOf("", "SpatialUpsample2x")),
    decoder_temporal_upsample: z.array(oneOf("", "TimeUpsample2x", "TimeUpsampleRes2x")),
  })
  .refine(
    (c) =>
      [c.decoder_resnet_blocks, c.decoder_spatial_upsample, c.decoder_temporal_upsample].every(
        ({ length }) => length === c.hidden_size_mult.length,
      ),
    { path: ["hidden_size_mult"], message: "must have an entry for each of the decoder's lists of modules" },
  );

export type CausalVAEConfig = z.infer<typeof schema>;

export function parseCausalVAEConfig(config: unknown): CausalVAEConfig {
  return parseConfig("CausalVAEModel", schema, config);
}

/** Settings that are in the authors' code but in no config. */
const published = {
  /** Groups of every normalisation. */
  groups: 32,
  /** Pixels along one edge of a tile; neighbouring tiles overlap by a quarter of it. */
  tilePixels: 256,
  /** Number of frames that are decoded together. */
  tileFrames: 65,
  /** Elements of the largest band of a tile; see `bands.ts`. */
  bandElements: 2 * BAND_ELEMENTS,
};

/** Factor of the latents. */
const SCALING = 0.18215;

/**
 * Decodes a video as the authors' scripts do: 65 frames at once, in tiles of 256x256 pixels if frames are larger. Every
 * later run sees the last latent frame of the run before again. Other tiles would give other pictures, because
 * normalisations are over a whole tile.
 *
 * Memory in float32: the activations of its graph are 1.9 KB for each pixel of a tile in all its frames, 8.2 GB for a
 * whole tile in bands.
 */
export function causalVAEDecoder(config: CausalVAEConfig, fixed = published): LatentDecoder {
  const rate = 2 ** config.decoder_temporal_upsample.filter(Boolean).length;
  const most = Math.floor((fixed.tileFrames - 1) / rate); // latent frames of a run; the first run has one more
  return {
    channels: config.embed_dim,
    scale: scaleOf(config),
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs({ frames }) {
      const later = Math.ceil((frames - 1) / most); // runs that the frames after the first need
      return Array.from({ length: Math.max(1, later) }, (_, i) => ({
        frames: Math.min(frames, (i + 1) * most + 1) - (i === 0 ? 0 : i * most + 1),
        ...(i > 0 && { continues: true }),
        ...(i < later - 1 && { isContinued: true }),
      }));
    },
    build: (run, options) => buildDecoder(config, fixed, run, options),
  };
}

/** Returns the pixels along one edge of a latent element. */
function scaleOf({ decoder_spatial_upsample }: CausalVAEConfig): number {
  return 2 ** decoder_spatial_upsample.filter(Boolean).length;
}

function buildDecoder(
  config: CausalVAEConfig,
  { groups, tilePixels, bandElements }: typeof published,
  { frames, height, width, continues = false, isContinued = false }: DecoderRun & LatentExtent,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const scale = scaleOf(config);
  const { embed_dim, decoder_temporal_upsample, decoder_spatial_upsample } = config;
  const latent = g.input(decoderNames.latent, "float32", [frames, embed_dim, height, width]);
  const seen = `${decoderNames.before}${decoderNames.latent}`;
  const chunk = continues
    ? concat([g.input(seen, "float32", [1, embed_dim, height, width]), latent], 0)
    : latent;
  if (isContinued)
    g.output(`${decoderNames.after}${decoderNames.latent}`, slice(latent, 0, frames - 1, frames));

  const size = Math.floor(tilePixels / scale);
  const isWhole = !continues && !isContinued && height <= size && width <= size;
  const z = mul(asVideo(chunk), 1 / SCALING);
  const video = isWhole ? decode(z) : inTiles(z, { size, stride: Math.floor(size * 0.75) }, scale, decode);
  const made = asFrames(video);
  g.output(decoderNames.frames, continues ? slice(made, 0, 1, made.shape[0]!) : made);
  return g;

  function decode(z: Value): Value {
    const widths = config.hidden_size_mult.map((multiple) => multiple * config.hidden_size);
    const latent = conv(z, "post_quant_conv", config.z_channels, 1);
    let x: Bands = [conv(latent, "decoder.conv_in", widths.at(-1)!)];
    x = resnet(x, "decoder.mid.block_1", widths.at(-1)!);
    x = [selfAttention(x[0], "decoder.mid.attn_1")];
    x = resnet(x, "decoder.mid.block_2", widths.at(-1)!);
    for (const [level, out] of [...widths.entries()].reverse()) {
      const name = `decoder.up.${level}`;
      for (let i = 0; i <= config.num_res_blocks; i++) x = resnet(x, `${name}.block.${i}`, out);
      if (decoder_spatial_upsample[level]) x = upsampleSpace(x, `${name}.upsample.conv`);
      if (decoder_temporal_upsample[level]) x = eachBand(x, upsampleTime);
      if (decoder_temporal_upsample[level] === "TimeUpsampleRes2x") x = mixed(x, `${name}.time_upsample`);
    }
    return whole(convolved(x, normalised(x, "decoder.norm_out", "decoder.conv_out", 3)));
  }

  function resnet(x: Bands, name: string, out: number): Bands {
    return g.scope(name, () => {
      const h = convolved(x, normalised(x, `${name}.norm1`, `${name}.conv1`, out));
      const residual = convolved(h, normalised(h, `${name}.norm2`, `${name}.conv2`, out));
      const isWidened = x[0].shape[1] !== out;
      return eachBand(x, (band, i) =>
        add(isWidened ? conv(band, `${name}.nin_shortcut`, out, 1) : band, residual[i]!),
      );
    });
  }

  /** Returns a layer that normalises by the statistics of all bands and applies a convolution. */
  function normalised(x: Bands, normName: string, name: string, out: number): RowLayer {
    const normal = normalisation(x, normName, groups);
    return { before: (rows) => silu(normal(rows)), convolve: (rows, pads) => conv(rows, name, out, 3, pads) };
  }

  /** Applies attention with one head over the H * W positions of a frame. */
  function selfAttention(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      // The older module reshapes [C, F] planes to [F, C] without transposing them; models were trained with that.
      const isOlder = config.decoder_attention === "AttnBlock3D";
      const framed = (y: Value) => (isOlder ? reshape(y, [F, C, H, W]) : asFrames(y));
      const unframed = (y: Value) => (isOlder ? reshape(y, [1, C, F, H, W]) : asVideo(y));
      const normal = norm(x, `${name}.norm`, groups);
      const tokens = (part: string) =>
        transpose(reshape(framed(conv(normal, `${name}.${part}`, C, 1)), [F, C, H * W]), [0, 2, 1]);
      const y = attention({ q: tokens("q"), k: tokens("k"), v: tokens("v"), heads: 1 }); // [F, H*W, C]
      const frames = reshape(transpose(y, [0, 2, 1]), [F, C, H, W]);
      return add(x, conv(unframed(frames), `${name}.proj_out`, C, 1));
    });
  }

  /** Doubles height and width, and makes more and smaller bands of them. */
  function upsampleSpace(x: Bands, name: string): Bands {
    const C = x[0].shape[1]!;
    const weight = reshape(g.weight(`${name}.conv.weight`, [C, C, 1, 3, 3]), [C, C, 3, 3]);
    const bias = g.weight(`${name}.conv.bias`, [C]);
    const layer: RowLayer = {
      before: (rows) => upsampleNearest2x(asFrames(rows)),
      convolve: (rows, pads) => asVideo(conv2d(rows, weight, bias, { pads: [pads, 1] })),
    };
    return g.scope(name, () => enlarged(x, layer, bandElements));
  }

  /** Mixes x with its convolution; the share of x is learnt. */
  function mixed(x: Bands, name: string): Bands {
    const share = sigmoid(g.weight(`${name}.mix_factor`, [1]));
    const made = convolved(x, {
      before: (rows) => rows,
      convolve: (rows, pads) => conv(rows, `${name}.conv`, rows.shape[1]!, 3, pads),
    });
    return eachBand(x, (band, i) => add(mul(share, band), mul(sub(1, share), made[i]!)));
  }

  /**
   * Applies a causal convolution: along time it sees only the frame itself and earlier ones, and copies of the first
   * frame before it. `rows` are the rows of zeros before and after.
   */
  function conv(
    x: Value,
    name: string,
    out: number,
    kernel: 1 | 3 = 3,
    rows: readonly [number, number] = [1, 1],
  ): Value {
    const C = x.shape[1]!;
    const weight = g.weight(`${name}.conv.weight`, [out, C, kernel, kernel, kernel]);
    const bias = g.weight(`${name}.conv.bias`, [out]);
    if (kernel === 1) return conv3d(x, weight, bias);
    const first = slice(x, 2, 0, 1);
    return convolvedFrames(concat([first, first, x], 2), weight, bias, [rows, 1]);
  }
}

/**
 * Applies a convolution with weight [out, C, 3, 3, 3] to the last F of x [1, C, F + 2, H, W], the channels of three
 * frames side by side: kernels for two axes are faster than those for three.
 */
function convolvedFrames(
  x: Value,
  weight: Value,
  bias: Value,
  pads: readonly (number | readonly [number, number])[],
): Value {
  const [, C, F] = x.shape as [number, number, number];
  const frames = asFrames(x);
  const [one, two, three] = [0, 1, 2].map((before) => slice(frames, 0, before, F - 2 + before)) as [
    Value,
    Value,
    Value,
  ];
  const flat = reshape(transpose(weight, [0, 2, 1, 3, 4]), [weight.shape[0]!, 3 * C, 3, 3]);
  return asVideo(conv2d(concat([one, two, three], 1), flat, bias, { pads }));
}

/** Doubles every frame but the first, by linear interpolation with its neighbours. */
function upsampleTime(x: Value): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  if (F === 1) return x;
  const later = slice(x, 2, 1, F);
  const last = F - 2;
  const before = concat([slice(later, 2, 0, 1), slice(later, 2, 0, last)], 2);
  const after = concat([slice(later, 2, 1, last + 1), slice(later, 2, last, last + 1)], 2);
  const between = (neighbour: Value) =>
    reshape(add(mul(later, 0.75), mul(neighbour, 0.25)), [1, C, F - 1, 1, H, W]);
  const pairs = concat([between(before), between(after)], 3); // [1, C, F - 1, 2, H, W]
  return concat([slice(x, 2, 0, 1), reshape(pairs, [1, C, 2 * (F - 1), H, W])], 2);
}
