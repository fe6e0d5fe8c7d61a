import {
  add,
  attention,
  conv2d,
  groupNorm,
  linear,
  reshape,
  silu,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../../onnx/index.ts";
import { BAND_ELEMENTS, type Bands, bandNorm, convolved, eachBand, enlarged, whole } from "../bands.ts";
import type { NamedWeights } from "../build-options.ts";

/**
 * Decoder that the 2-D KL autoencoder (arXiv 2112.10752) and its relatives share, with the key names of diffusers. F
 * frames are the batch. Large pictures are computed in bands of rows, once they have passed the attention.
 */

const EPS = 1e-6;

export interface KLDecoderShape {
  /** Channels of the stages from the picture inwards; the decoder uses them in reverse order. */
  readonly blockChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly hasAttention: boolean;
}

/** Residual block: [F, out, H, W] of x [F, C, H, W], both in bands. */
export type Resnet = (x: Bands, name: string, out: number) => Bands;

/**
 * Decodes a latent [F, C, H, W] to pictures [F, outChannels, H * scale, W * scale]. The names of its weights begin with
 * `name`.
 */
export function klDecoder(
  latent: Value,
  shape: KLDecoderShape,
  weights: NamedWeights,
  options: {
    readonly name?: string;
    readonly resnet?: Resnet;
    readonly bandElements?: number | undefined;
  } = {},
): Value {
  const { groups } = shape;
  const { name = "decoder", resnet = (x, block, out) => bandedResnet(x, block, out, groups) } = options;
  const { bandElements = BAND_ELEMENTS } = options;
  const channels = shape.blockChannels.toReversed();
  const inner = channels[0]!;
  let x: Bands = [conv(latent, `${name}.conv_in`, inner)]; // [F, C, H, W]
  x = resnet(x, `${name}.mid_block.resnets.0`, inner);
  if (shape.hasAttention) x = [selfAttention(x[0], `${name}.mid_block.attentions.0`, groups, weights)];
  x = resnet(x, `${name}.mid_block.resnets.1`, inner);
  for (const [i, out] of channels.entries()) {
    const block = `${name}.up_blocks.${i}`;
    for (let j = 0; j <= shape.layersPerBlock; j++) x = resnet(x, `${block}.resnets.${j}`, out);
    const isLast = i === channels.length - 1;
    const convolve = convolution(`${block}.upsamplers.0.conv`, out);
    if (!isLast) x = enlarged(x, { before: upsampleNearest2x, convolve }, bandElements); // [F, C, 2H, 2W]
  }
  const normal = normalisation(x, `${name}.conv_norm_out`, groups);
  const convolve = convolution(`${name}.conv_out`, shape.outChannels);
  return whole(convolved(x, { before: (y) => silu(normal(y)), convolve }));
}

/** Applies a residual block to bands. */
export function bandedResnet(x: Bands, name: string, out: number, groups: number): Bands {
  return x[0].graph.scope(name, () => {
    const layer = (y: Bands, part: 1 | 2) => {
      const normal = normalisation(y, `${name}.norm${part}`, groups);
      return convolved(y, {
        before: (rows) => silu(normal(rows)),
        convolve: convolution(`${name}.conv${part}`, out),
      });
    };
    const isWidened = x[0].shape[1] !== out;
    const residual = layer(layer(x, 1), 2);
    return eachBand(x, (band, i) =>
      add(isWidened ? conv(band, `${name}.conv_shortcut`, out, 1) : band, residual[i]!),
    );
  });
}

/** Returns a group normalisation by the statistics of all bands. */
export function normalisation(x: Bands, name: string, groups: number, eps = EPS): (rows: Value) => Value {
  if (x.length === 1) return (rows) => norm(rows, name, groups, eps);
  const [g, C] = [x[0].graph, x[0].shape[1]!];
  return bandNorm(x, groups, {
    weight: g.weight(`${name}.weight`, [C]),
    bias: g.weight(`${name}.bias`, [C]),
    eps,
  });
}

/** Returns a convolution of a band with a kernel of 3, which is given the rows of zeros before and after. */
function convolution(name: string, out: number): (x: Value, pads: readonly [number, number]) => Value {
  return (x, pads) => {
    const weight = x.graph.weight(`${name}.weight`, [out, x.shape[1]!, 3, 3]);
    return conv2d(x, weight, x.graph.weight(`${name}.bias`, [out]), { pads: [pads, 1] });
  };
}

export function klResnet(x: Value, name: string, out: number, groups: number): Value {
  return x.graph.scope(name, () => {
    const h = conv(silu(norm(x, `${name}.norm1`, groups)), `${name}.conv1`, out);
    const residual = conv(silu(norm(h, `${name}.norm2`, groups)), `${name}.conv2`, out);
    const shortcut = x.shape[1] === out ? x : conv(x, `${name}.conv_shortcut`, out, 1);
    return add(shortcut, residual);
  });
}

/** Applies a 2-D convolution that keeps height and width. */
export function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3): Value {
  const weight = x.graph.weight(`${name}.weight`, [out, x.shape[1]!, kernel, kernel]);
  return conv2d(x, weight, x.graph.weight(`${name}.bias`, [out]), { pads: (kernel - 1) / 2 });
}

export function norm(x: Value, name: string, groups: number, eps = EPS): Value {
  const g = x.graph;
  const C = x.shape[1]!;
  return groupNorm(x, groups, g.weight(`${name}.weight`, [C]), g.weight(`${name}.bias`, [C]), eps);
}

/** Applies attention with one head over the H * W positions of a frame. */
export function selfAttention(x: Value, name: string, groups: number, weights: NamedWeights): Value {
  return x.graph.scope(name, () => {
    const [F, C, H, W] = x.shape as [number, number, number, number];
    const normal = norm(x, `${name}.group_norm`, groups);
    const tokens = transpose(reshape(normal, [F, C, H * W]), [0, 2, 1]); // [F, H*W, C]
    const project = (y: Value, part: Projection) => linear(y, ...projection(y, name, part, weights));
    const [q, k, v] = (["to_q", "to_k", "to_v"] as const).map((part) => project(tokens, part));
    const mixed = project(attention({ q: q!, k: k!, v: v!, heads: 1 }), "to_out.0"); // [F, H*W, C]
    return add(x, reshape(transpose(mixed, [0, 2, 1]), [F, C, H, W]));
  });
}

const olderNames = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" } as const;
type Projection = keyof typeof olderNames;

/**
 * Returns weight [C, C] and bias [C], also under the names of older checkpoints, whose weights may be 1x1 convolutions.
 */
function projection(
  tokens: Value,
  attention: string,
  part: Projection,
  weights: NamedWeights,
): [weight: Value, bias: Value] {
  const { graph: g } = tokens;
  const C = tokens.shape[2]!;
  const name = `${attention}.${part}`;
  if (weights.has(`${name}.weight`)) {
    return [g.weight(`${name}.weight`, [C, C]), g.weight(`${name}.bias`, [C])];
  }
  const older = `${attention}.${olderNames[part]}`;
  const isConvolution = weights.has(`${older}.weight`) && weights.info(`${older}.weight`).shape.length === 4;
  const weight = g.weight(`${older}.weight`, isConvolution ? [C, C, 1, 1] : [C, C]);
  return [reshape(weight, [C, C]), g.weight(`${older}.bias`, [C])];
}
