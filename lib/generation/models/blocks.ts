import {
  add,
  concat,
  type Graph,
  gelu,
  layerNorm,
  linear,
  reshape,
  transpose,
  type Value,
} from "../onnx/index.ts";
import type { LatentShape } from "./diffusion-transformer.ts";

/** Layers that several architectures share. In shapes B is the batch, N tokens, D the width. */

/** A tuple of N values: the parts of a split. */
export type Values<N, T extends Value[] = []> = T["length"] extends N ? T : Values<N, [...T, Value]>;

/** Returns weight and bias of a `linear`. */
export function affine(
  g: Graph,
  name: string,
  outWidth: number,
  inWidth: number,
): [weight: Value, bias: Value] {
  return [g.weight(`${name}.weight`, [outWidth, inWidth]), g.weight(`${name}.bias`, [outWidth])];
}

/**
 * Modulates a layer norm: LN(x) * (1 + scale) + shift, with scale and shift [1, D] in place of the norm's own
 * parameters.
 */
export function modulate(x: Value, shift: Value, scale: Value, eps: number): Value {
  const D = x.shape[2]!;
  return layerNorm(x, { eps, weight: reshape(add(scale, 1), [D]), bias: reshape(shift, [D]) });
}

/** Applies two linear layers under diffusers' names, with `activate` between them: [..., D] of x [..., any width]. */
export function twoLayers(x: Value, name: string, D: number, activate: (x: Value) => Value): Value {
  const hidden = activate(linear(x, ...affine(x.graph, `${name}.linear_1`, D, x.shape.at(-1)!)));
  return linear(hidden, ...affine(x.graph, `${name}.linear_2`, D, D));
}

/** Applies the feed-forward layer of diffusers: [B, N, D] through `hidden` channels and a GELU. */
export function feedForward(x: Value, name: string, hidden: number): Value {
  const g = x.graph;
  const D = x.shape[2]!;
  return g.scope("ff", () => {
    const y = gelu(linear(x, ...affine(g, `${name}.net.0.proj`, hidden, D)), "tanh"); // [B, N, hidden]
    return linear(y, ...affine(g, `${name}.net.2`, D, hidden));
  });
}

/** Applies `mix` to the tokens of each frame [B * F, N / F, D]; x and the result are [B, N, D]. */
export function withinFrames(x: Value, F: number, mix: (tokens: Value) => Value): Value {
  const [B, N, D] = x.shape as [number, number, number];
  return reshape(mix(reshape(x, [B * F, N / F, D])), [B, N, D]);
}

/** Applies `mix` along time to the tokens at each position [B * N / F, F, D]; x and the result are [B, N, D]. */
export function alongTime(x: Value, F: number, mix: (tokens: Value) => Value): Value {
  const [B, N, D] = x.shape as [number, number, number];
  const places = N / F;
  const tokens = reshape(transpose(reshape(x, [B, F, places, D]), [0, 2, 1, 3]), [B * places, F, D]);
  return reshape(transpose(reshape(mix(tokens), [B, places, F, D]), [0, 2, 1, 3]), [B, N, D]);
}

/** Broadcasts the stream x [1 or B, N, D] to the batch of the text [B, L, D]. */
export function wholeBatch(x: Value, text: Value): Value {
  return x.shape[0] === text.shape[0] ? x : concat([x, x], 0);
}

/**
 * Checks the extent of a latent.
 *
 * @throws RangeError if it has other channels or no extent
 */
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

/** Index of the middle one of `count` blocks, or pairs of blocks, where AdaCache measures the probe. */
export function middleBlock(count: number): number {
  return Math.max(0, Math.floor(count / 2) - 1);
}
