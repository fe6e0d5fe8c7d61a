import { add, concat, type Graph, layerNorm, reshape, type Value } from "../onnx/index.ts";
import type { LatentShape } from "./diffusion-transformer.ts";

/** What the architectures have in common. In shapes B is the two guidance halves, N tokens, D the width. */

/** A tuple of N values: the parts of a split. */
export type Values<N, T extends Value[] = []> = T["length"] extends N ? T : Values<N, [...T, Value]>;

/** Weight and bias of a `linear`. */
export function affine(
  g: Graph,
  name: string,
  outWidth: number,
  inWidth: number,
): [weight: Value, bias: Value] {
  return [g.weight(`${name}.weight`, [outWidth, inWidth]), g.weight(`${name}.bias`, [outWidth])];
}

/**
 * LN(x) * (1 + scale) + shift, with scale and shift [1, D] in the place of the normalisation's own
 * parameters.
 */
export function modulate(x: Value, shift: Value, scale: Value, eps: number): Value {
  const D = x.shape[2]!;
  return layerNorm(x, { eps, weight: reshape(add(scale, 1), [D]), bias: reshape(shift, [D]) });
}

/** [B, N, D] of a stream that may have stood for both halves. */
export function bothHalves(x: Value): Value {
  return x.shape[0] === 1 ? concat([x, x], 0) : x;
}

/** @throws RangeError for a latent of other channels or without extent */
export function checkLatent(latent: LatentShape, channels: number): void {
  if (latent.channels !== channels) {
    throw new RangeError(`This model makes latents of ${channels} channels, not ${latent.channels}.`);
  }
  const sizes = { frames: latent.frames, height: latent.height, width: latent.width };
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`A latent's ${name} must be a whole number from 1 up, and this one is ${size}.`);
    }
  }
}
