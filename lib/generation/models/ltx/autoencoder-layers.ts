import {
  add,
  concat,
  conv3d,
  div,
  layerNorm,
  linear,
  mul,
  reduceL2,
  reshape,
  silu,
  slice,
  sqrt,
  transpose,
  type Value,
} from "../../onnx/index.ts";

/**
 * Layers that encoder and decoder of LTX-Video's autoencoder share, with the key names of diffusers. In shapes F, H, W
 * are those of the stage at hand, and the batch is 1.
 */

/** Prevents division by zero in the normalisation over channels; no config has it. */
const EPS = 1e-8;

/** Shift and scale of a normalised tensor, each [C, 1, 1, 1]. */
export interface Modulation {
  readonly shift: Value;
  readonly scale: Value;
}

export interface ResnetOptions {
  readonly isCausal: boolean;
  /** Prevents division by zero where the channels change. */
  readonly eps: number;
  /** Modulations of the first and of the second normalisation; none by default. */
  readonly modulations?: readonly [Modulation, Modulation] | undefined;
}

/**
 * Applies a convolution that keeps the extent with a stride of 1. Before the first frame and after the last one it sees
 * that frame again; a causal one sees earlier frames only.
 */
export function conv(
  x: Value,
  name: string,
  out: number,
  { isCausal, stride = 1 }: { readonly isCausal: boolean; readonly stride?: number },
): Value {
  const { graph: g } = x;
  const [, C, F] = x.shape as [number, number, number];
  const weight = g.weight(`${name}.conv.weight`, [out, C, 3, 3, 3]);
  const first = slice(x, 2, 0, 1);
  const padded = concat(isCausal ? [first, first, x] : [first, x, slice(x, 2, F - 1, F)], 2);
  return conv3d(padded, weight, g.weight(`${name}.conv.bias`, [out]), { pads: [0, 1, 1], stride });
}

/** Normalises over the channels of [1, C, F, H, W]: x / RMS(x), then modulated. */
export function pixelNorm(x: Value, modulation?: Modulation): Value {
  const length = reduceL2(x, { axes: [1], keepDims: true });
  const normal = div(x, sqrt(add(mul(mul(length, length), 1 / x.shape[1]!), EPS)));
  return modulation ? add(mul(normal, add(modulation.scale, 1)), modulation.shift) : normal;
}

/** Residual block: [1, out, F, H, W] of x [1, C, F, H, W]. */
export function resnet(x: Value, name: string, out: number, options: ResnetOptions): Value {
  const { modulations: [first, second] = [], eps } = options;
  return x.graph.scope(name, () => {
    const h = conv(silu(pixelNorm(x, first)), `${name}.conv1`, out, options);
    const residual = conv(silu(pixelNorm(h, second)), `${name}.conv2`, out, options);
    return add(x.shape[1] === out ? x : shortcut(x, name, out, eps), residual);
  });
}

/** Applies the resnets of a block, which keep the channels; `options` returns those of the resnet with a name. */
export function resnets(
  x: Value,
  block: string,
  count: number,
  options: (name: string) => ResnetOptions,
): Value {
  const names = Array.from({ length: count }, (_, i) => `${block}.resnets.${i}`);
  return names.reduce((y, name) => resnet(y, name, x.shape[1]!, options(name)), x);
}

/** Changes the channels by a layer norm over them and a linear layer. */
function shortcut(x: Value, name: string, out: number, eps: number): Value {
  const { graph: g } = x;
  const C = x.shape[1]!;
  const [weight, bias] = [g.weight(`${name}.norm3.weight`, [C]), g.weight(`${name}.norm3.bias`, [C])];
  const normal = layerNorm(transpose(x, [0, 2, 3, 4, 1]), { eps, weight, bias }); // [1, F, H, W, C]
  const stored = g.weight(`${name}.conv_shortcut.conv.weight`, [out, C, 1, 1, 1]);
  const y = linear(normal, reshape(stored, [out, C]), g.weight(`${name}.conv_shortcut.conv.bias`, [out]));
  return transpose(y, [0, 4, 1, 2, 3]);
}
