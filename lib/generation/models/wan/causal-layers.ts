import {
  add,
  attention,
  concat,
  conv2d,
  conv3d,
  div,
  expand,
  type Graph,
  linear,
  mul,
  pad,
  reduceL2,
  reshape,
  silu,
  slice,
  split,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../../onnx/index.ts";
import type { Values } from "../blocks.ts";
import { stateNames } from "../continued-run.ts";
import { asFrames, asVideo } from "../video-axes.ts";

/**
 * Layers of Wan's causal video autoencoders (arXiv 2503.20314), for encoders and decoders, with the key names of
 * diffusers' AutoencoderKLWan. No frame depends on a later one.
 *
 * In shapes F, H, W are those of the stage at hand, and the batch is 1.
 */

/** Prevents 0/0 in the normalisation, as the 1e-12 under the root of the reference does. */
const TINY = 1e-12;

/** Number of earlier frames that a convolution over time sees. */
const PAST = 2;

/** Place of a graph among the consecutive runs over one video. */
export interface CausalRun {
  /** True if the run takes the state of the run before. */
  readonly continues: boolean;
  /** True if the run outputs state for the next. */
  readonly isContinued: boolean;
}

/** Layers that see earlier frames, and pass some on to the next run. */
export interface CausalLayers {
  /** Applies a causal convolution: along time it sees only the frame itself and earlier ones. */
  conv(x: Value, name: string, out: number, kernel?: 1 | 3): Value;
  /** Applies two convolutions with a shortcut around them. */
  resnet(x: Value, name: string, out: number): Value;
  /** Doubles every frame but the first of the video. */
  upsampleTime(x: Value, name: string): Value;
  /** Makes one frame of every two after the first of the video, which stays as it is. */
  downsampleTime(x: Value, name: string): Value;
}

export function causalLayers(g: Graph, { continues, isContinued }: CausalRun): CausalLayers {
  function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3): Value {
    const weight = g.weight(`${name}.weight`, [out, x.shape[1]!, kernel, kernel, kernel]);
    const bias = g.weight(`${name}.bias`, [out]);
    if (kernel === 1) return conv3d(x, weight, bias);
    return conv3d(afterPast(x, name), weight, bias, { pads: [0, 1, 1] });
  }

  function resnet(x: Value, name: string, out: number): Value {
    return g.scope(name, () => {
      const h = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`, out);
      const residual = conv(silu(norm(h, `${name}.norm2`)), `${name}.conv2`, out);
      const shortcut = x.shape[1] === out ? x : conv(x, `${name}.conv_shortcut`, out, 1);
      return add(shortcut, residual);
    });
  }

  function upsampleTime(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      if (continues) return doubled(x, name);
      const first = slice(x, 2, 0, 1);
      if (F > 1) return concat([first, doubled(slice(x, 2, 1, F), name)], 2);
      leave(expand(g.constant(new Float32Array(1), [1]), [1, C, PAST, H, W]), name); // zeros: it has seen no frame yet
      return first;
    });
  }

  function doubled(x: Value, name: string): Value {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const weight = g.weight(`${name}.weight`, [2 * C, C, 3, 1, 1]);
    const both = conv3d(afterPast(x, name), weight, g.weight(`${name}.bias`, [2 * C])); // [1, 2C, F, H, W]
    const pairs = transpose(reshape(both, [1, 2, C, F, H, W]), [0, 2, 3, 1, 4, 5]); // [1, C, F, 2, H, W]
    return reshape(pairs, [1, C, 2 * F, H, W]);
  }

  function downsampleTime(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      leave(slice(x, 2, F - 1, F), name);
      const halved = (frames: Value) => {
        const weight = g.weight(`${name}.weight`, [C, C, 3, 1, 1]);
        return conv3d(frames, weight, g.weight(`${name}.bias`, [C]), { stride: [2, 1, 1] });
      };
      if (continues) return halved(concat([before(name, [1, C, 1, H, W]), x], 2));
      return F === 1 ? x : concat([slice(x, 2, 0, 1), halved(x)], 2);
    });
  }

  /**
   * Prepends the two frames before x: those that the last run passed on, or zeros at the beginning of a video. Passes
   * the last two frames on to the next run.
   */
  function afterPast(x: Value, name: string): Value {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const none = [0, 0] as const;
    const whole = continues
      ? concat([before(name, [1, C, PAST, H, W]), x], 2)
      : pad(x, [none, none, [PAST, 0], none, none]);
    leave(slice(whole, 2, F, F + PAST), name);
    return whole;
  }

  function before(name: string, shape: number[]): Value {
    return g.input(`${stateNames.before}${name}`, "float32", shape);
  }

  function leave(past: Value, name: string): void {
    if (isContinued) g.output(`${stateNames.after}${name}`, past);
  }

  return { conv, resnet, upsampleTime, downsampleTime };
}

/** Normalises over the channels of [1, C, F, H, W]: x / |x| * sqrt(C) * gamma. */
export function norm(x: Value, name: string): Value {
  const C = x.shape[1]!;
  const gamma = mul(x.graph.weight(`${name}.gamma`, [C, 1, 1, 1]), Math.sqrt(C));
  return mul(div(x, add(reduceL2(x, { axes: [1], keepDims: true }), TINY)), gamma);
}

/** Applies attention with one head over the H * W positions of a frame. */
export function selfAttention(x: Value, name: string): Value {
  const g = x.graph;
  return g.scope(name, () => {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const gamma = mul(reshape(g.weight(`${name}.norm.gamma`, [C, 1, 1]), [C]), Math.sqrt(C));
    const tokens = reshape(transpose(x, [0, 2, 3, 4, 1]), [F, H * W, C]);
    const length = add(reduceL2(tokens, { axes: [2], keepDims: true }), TINY);
    const [weight, bias] = pointwise(g, `${name}.to_qkv`, 3 * C, C);
    const qkv = linear(mul(div(tokens, length), gamma), weight, bias);
    const [q, k, v] = split(qkv, 2, 3) as Values<3>;
    const mixed = linear(attention({ q, k, v, heads: 1 }), ...pointwise(g, `${name}.proj`, C, C)); // [F, H*W, C]
    return add(x, transpose(reshape(mixed, [1, F, H, W, C]), [0, 4, 1, 2, 3]));
  });
}

/** Returns weight and bias of a 1x1 convolution for `linear`. */
function pointwise(g: Graph, name: string, out: number, into: number): [Value, Value] {
  return [
    reshape(g.weight(`${name}.weight`, [out, into, 1, 1]), [out, into]),
    g.weight(`${name}.bias`, [out]),
  ];
}

/**
 * Doubles height and width, and makes `out` channels, frame by frame: all frames at once would be the largest tensor.
 */
export function upsampleSpace(x: Value, name: string, out: number): Value {
  const [, C, F] = x.shape as [number, number, number];
  const weight = x.graph.weight(`${name}.weight`, [out, C, 3, 3]);
  const bias = x.graph.weight(`${name}.bias`, [out]);
  const frames = Array.from({ length: F }, (_, f) =>
    asVideo(conv2d(upsampleNearest2x(asFrames(slice(x, 2, f, f + 1))), weight, bias, { pads: 1 })),
  );
  return concat(frames as [Value, ...Value[]], 2);
}

/**
 * Halves height and width by a convolution of stride 2, after padding with one column and one row of zeros at the end.
 */
export function downsampleSpace(x: Value, name: string): Value {
  const C = x.shape[1]!;
  const weight = x.graph.weight(`${name}.weight`, [C, C, 3, 3]);
  const none = [0, 0] as const;
  const padded = pad(asFrames(x), [none, none, [0, 1], [0, 1]]);
  return asVideo(conv2d(padded, weight, x.graph.weight(`${name}.bias`, [C]), { stride: 2 }));
}
