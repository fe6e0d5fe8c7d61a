import {
  add,
  attention,
  concat,
  conv2d,
  conv3d,
  div,
  type Graph,
  linear,
  mul,
  pad,
  reduceL2,
  reshape,
  silu,
  slice,
  split,
  sub,
  transpose,
  upsampleNearest2x,
  type Value,
} from "../../onnx/index.ts";
import type { Values } from "../blocks.ts";
import { stateNames } from "../continued-run.ts";
import { type StripEdges, wholePicture } from "../strips.ts";
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

/** Zeros around rows and columns, as `conv2d` takes them. */
type ConvPads = 0 | StripEdges["pads"];

/** Place of a graph among the consecutive runs over one video. */
export interface CausalRun {
  /** True if the run takes the state of the run before. */
  readonly continues: boolean;
  /** True if the run outputs state for the next. */
  readonly isContinued: boolean;
  /** Edges of the strip of the pictures that the run makes; by default they are those of the picture. */
  readonly edges?: StripEdges;
}

/** Layers that see earlier frames, and pass some on to the next run. */
export interface CausalLayers {
  /**
   * Applies a causal convolution: along time it sees only the frame itself and earlier ones. At an edge within the
   * picture one element that lacks a neighbour is lost, and a residual block loses two.
   */
  conv(x: Value, name: string, out: number, kernel?: 1 | 3): Value;
  /** Applies two convolutions with a shortcut around them. */
  resnet(x: Value, name: string, out: number): Value;
  /** Doubles every frame but the first of the video. */
  upsampleTime(x: Value, name: string): Value;
  /** Makes one frame of every two after the first of the video, which stays as it is. */
  downsampleTime(x: Value, name: string): Value;
}

export function causalLayers(
  g: Graph,
  { continues, isContinued, edges = wholePicture }: CausalRun,
): CausalLayers {
  function conv(x: Value, name: string, out: number, kernel: 1 | 3 = 3): Value {
    const weight = g.weight(`${name}.weight`, [out, x.shape[1]!, kernel, kernel, kernel]);
    const bias = g.weight(`${name}.bias`, [out]);
    return kernel === 1 ? conv3d(x, weight, bias) : overTime(x, name, { weight, bias, pads: edges.pads });
  }

  /**
   * Applies a convolution over three frames with weight [out, C, 3, k, k], frame by frame and with the channels of the
   * three side by side: kernels for two axes are faster than those for three, and no more than three frames are copied.
   * Passes the last two frames on to the next run.
   */
  function overTime(
    x: Value,
    name: string,
    { weight, bias, pads }: { readonly weight: Value; readonly bias: Value; readonly pads: ConvPads },
  ): Value {
    const [out, C, , kernel] = weight.shape as [number, number, number, number];
    const flat = reshape(transpose(weight, [0, 2, 1, 3, 4]), [out, (PAST + 1) * C, kernel, kernel]);
    const frames = framesOf(x);
    const past = continues ? pastFrames(frames[0]!, name) : [];
    const all = [...past, ...frames];
    const made = frames.map((_, f) => {
      const end = past.length + f + 1;
      const seen = all.slice(Math.max(0, end - PAST - 1), end);
      // Frames before the first are zeros.
      const missing = PAST + 1 - seen.length;
      const part = missing === 0 ? flat : slice(flat, 1, missing * C, (PAST + 1) * C);
      return conv2d(concat(seen as [Value, ...Value[]], 1), part, bias, { pads });
    });
    leave(all, name);
    return joinedFrames(made);
  }

  function resnet(x: Value, name: string, out: number): Value {
    return g.scope(name, () => {
      const h = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`, out);
      const residual = conv(silu(norm(h, `${name}.norm2`)), `${name}.conv2`, out);
      const kept = edges.cropped(x, 2);
      const shortcut = x.shape[1] === out ? kept : conv(kept, `${name}.conv_shortcut`, out, 1);
      return add(shortcut, residual);
    });
  }

  function upsampleTime(x: Value, name: string): Value {
    return g.scope(name, () => {
      const F = x.shape[2]!;
      if (continues) return doubled(x, name);
      const first = slice(x, 2, 0, 1);
      if (F > 1) return concat([first, doubled(slice(x, 2, 1, F), name)], 2);
      const [none] = framesOf(first) as [Value];
      leave([sub(none, none)], name); // zeros: it has seen no frame yet
      return first;
    });
  }

  function doubled(x: Value, name: string): Value {
    const [, C, F, H, W] = x.shape as [number, number, number, number, number];
    const weight = g.weight(`${name}.weight`, [2 * C, C, 3, 1, 1]);
    const both = overTime(x, name, { weight, bias: g.weight(`${name}.bias`, [2 * C]), pads: 0 }); // [1, 2C, F, H, W]
    const pairs = transpose(reshape(both, [1, 2, C, F, H, W]), [0, 2, 3, 1, 4, 5]); // [1, C, F, 2, H, W]
    return reshape(pairs, [1, C, 2 * F, H, W]);
  }

  function downsampleTime(x: Value, name: string): Value {
    return g.scope(name, () => {
      const [, C, F, H, W] = x.shape as [number, number, number, number, number];
      if (isContinued) g.output(`${stateNames.after}${name}`, slice(x, 2, F - 1, F));
      const halved = (frames: Value) => {
        const weight = g.weight(`${name}.weight`, [C, C, 3, 1, 1]);
        return conv3d(frames, weight, g.weight(`${name}.bias`, [C]), { stride: [2, 1, 1] });
      };
      if (continues)
        return halved(concat([g.input(`${stateNames.before}${name}`, "float32", [1, C, 1, H, W]), x], 2));
      return F === 1 ? x : concat([slice(x, 2, 0, 1), halved(x)], 2);
    });
  }

  /** Returns the last two frames of the run before, of the shape of a frame [1, C, H, W]. */
  function pastFrames({ shape }: Value, name: string): Value[] {
    return Array.from({ length: PAST }, (_, i) =>
      g.input(`${stateNames.before}${name}.${i}`, "float32", shape),
    );
  }

  /** Passes the last two frames [1, C, H, W] on to the next run; zeros stand for those before the first. */
  function leave(frames: readonly Value[], name: string): void {
    if (!isContinued) return;
    const last = frames.slice(-PAST);
    while (last.length < PAST) last.unshift(sub(last[0]!, last[0]!));
    for (const [i, frame] of last.entries()) g.output(`${stateNames.after}${name}.${i}`, frame);
  }

  return { conv, resnet, upsampleTime, downsampleTime };
}

/** Returns the frames [1, C, H, W] of a video [1, C, F, H, W]. */
function framesOf(x: Value): Value[] {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  return Array.from({ length: F }, (_, f) => reshape(slice(x, 2, f, f + 1), [1, C, H, W]));
}

/** Joins frames [1, C, H, W] to a video [1, C, F, H, W]. */
function joinedFrames(frames: readonly Value[]): Value {
  const videos = frames.map((frame) =>
    reshape(frame, [...frame.shape.slice(0, 2), 1, ...frame.shape.slice(2)]),
  );
  return concat(videos as [Value, ...Value[]], 2);
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
 * At an edge within the picture it loses `lost` elements, one of them for lack of a neighbour.
 */
export function upsampleSpace(
  x: Value,
  name: string,
  out: number,
  { edges, lost }: { readonly edges: StripEdges; readonly lost: number },
): Value {
  const weight = x.graph.weight(`${name}.weight`, [out, x.shape[1]!, 3, 3]);
  const bias = x.graph.weight(`${name}.bias`, [out]);
  const frames = framesOf(x).map((frame) =>
    edges.cropped(conv2d(upsampleNearest2x(frame), weight, bias, { pads: edges.pads }), lost - 1),
  );
  return joinedFrames(frames);
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
