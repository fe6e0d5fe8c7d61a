import { conv2d, pad, silu, slice, type Value } from "../../onnx/index.ts";
import type { NamedWeights } from "../build-options.ts";
import { conv, type KLDecoderShape, klResnet, norm, selfAttention } from "./kl-decoder.ts";

/**
 * Encodes pictures [F, 3, H, W] to the moments of their latents [F, moments, H / scale, W / scale], as the encoder of
 * the 2-D KL autoencoder, whose decoder is `klDecoder`. The names of its weights begin with `name`.
 */
export function klEncoder(
  pictures: Value,
  { blockChannels, layersPerBlock, groups, hasAttention }: KLDecoderShape,
  moments: number,
  { weights, name: root = "encoder" }: { readonly weights: NamedWeights; readonly name?: string },
): Value {
  const inner = blockChannels.at(-1)!;
  let x = conv(pictures, `${root}.conv_in`, blockChannels[0]!);
  for (const [i, out] of blockChannels.entries()) {
    const block = `${root}.down_blocks.${i}`;
    for (let j = 0; j < layersPerBlock; j++) x = klResnet(x, `${block}.resnets.${j}`, out, groups);
    const isLast = i === blockChannels.length - 1;
    if (!isLast) x = halve(x, `${block}.downsamplers.0.conv`); // [F, C, H / 2, W / 2]
  }
  x = klResnet(x, `${root}.mid_block.resnets.0`, inner, groups);
  if (hasAttention) x = selfAttention(x, `${root}.mid_block.attentions.0`, groups, weights);
  x = klResnet(x, `${root}.mid_block.resnets.1`, inner, groups);
  return conv(silu(norm(x, `${root}.conv_norm_out`, groups)), `${root}.conv_out`, moments);
}

/** Returns the mean [B, C, ...] of moments [B, 2 * C, ...]; the other half is the logarithm of the variance. */
export function meanOf(moments: Value): Value {
  return slice(moments, 1, 0, moments.shape[1]! / 2);
}

/**
 * Halves height and width by a convolution of stride 2, after padding with one column and one row of zeros at the end.
 */
function halve(x: Value, name: string): Value {
  const C = x.shape[1]!;
  const weight = x.graph.weight(`${name}.weight`, [C, C, 3, 3]);
  const none = [0, 0] as const;
  const padded = pad(x, [none, none, [0, 1], [0, 1]]);
  return conv2d(padded, weight, x.graph.weight(`${name}.bias`, [C]), { stride: 2 });
}
