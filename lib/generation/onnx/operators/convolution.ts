import type { Value } from "../graph.ts";
import { formatShape } from "../shape.ts";
import { emit } from "./emit.ts";

export interface ConvOptions {
  /** Stride along each spatial axis, 1 by default; a single number applies to all axes. */
  readonly stride?: number | readonly number[];
  /** Zeros added at both ends of each spatial axis, or [before, after] it; 0 by default. */
  readonly pads?: number | readonly (number | readonly [number, number])[];
  readonly dilation?: number | readonly number[];
  readonly groups?: number;
}

/** 2-D convolution of x [B, C, H, W] with weight [out, C / groups, kH, kW] and bias [out]. */
export const conv2d = (x: Value, weight: Value, bias?: Value, options: ConvOptions = {}): Value =>
  conv(2, x, weight, bias, options);

/** 3-D convolution of x [B, C, F, H, W] with weight [out, C / groups, kF, kH, kW] and bias [out]. */
export const conv3d = (x: Value, weight: Value, bias?: Value, options: ConvOptions = {}): Value =>
  conv(3, x, weight, bias, options);

/** Doubles the height and width of [..., H, W] by repeating each pixel. */
export function upsampleNearest2x(x: Value): Value {
  const rank = x.shape.length;
  if (rank < 3) x.graph.fail(`upsampleNearest2x: ${formatShape(x.shape)} is not [..., H, W]`);
  const factors = x.shape.map((_, axis) => (axis < rank - 2 ? 1 : 2));
  const shape = x.shape.map((size, axis) => size * factors[axis]!);
  const scales = x.graph.constant(Float32Array.from(factors), [rank]);
  return emit(
    "Resize",
    [x, undefined, scales],
    { dtype: x.dtype, shape },
    {
      mode: { string: "nearest" },
      coordinate_transformation_mode: { string: "asymmetric" },
      nearest_mode: { string: "floor" },
    },
  );
}

function conv(axes: 2 | 3, x: Value, weight: Value, bias: Value | undefined, options: ConvOptions): Value {
  const { graph } = x;
  const groups = options.groups ?? 1;
  const [outChannels, groupChannels, ...kernel] = weight.shape;
  if (x.shape.length !== axes + 2 || kernel.length !== axes || x.shape[1] !== groupChannels! * groups) {
    graph.fail(
      `conv${axes}d: input ${formatShape(x.shape)} does not fit weight ${formatShape(weight.shape)}`,
    );
  }
  if (outChannels! % groups !== 0 || (bias && (bias.shape.length !== 1 || bias.shape[0] !== outChannels))) {
    graph.fail(`conv${axes}d: weight ${formatShape(weight.shape)} does not fit its bias or ${groups} groups`);
  }
  const perAxis = (value: number | readonly number[] = 1): readonly number[] =>
    typeof value === "number" ? Array<number>(axes).fill(value) : value;
  const [strides, dilations] = [perAxis(options.stride), perAxis(options.dilation)];
  const { pads: given = 0 } = options;
  const pads = Array.from({ length: axes }, (_, axis) => {
    const amount = typeof given === "number" ? given : given[axis]!;
    return typeof amount === "number" ? ([amount, amount] as const) : amount;
  });
  const spatial = kernel.map((size, axis) => {
    const covered = x.shape[axis + 2]! + pads[axis]![0] + pads[axis]![1] - dilations[axis]! * (size - 1) - 1;
    return Math.floor(covered / strides[axis]!) + 1;
  });
  if (spatial.some((size) => !(size > 0))) {
    graph.fail(
      `conv${axes}d: kernel ${formatShape(kernel)} is larger than the padded input ${formatShape(x.shape)}`,
    );
  }
  return emit(
    "Conv",
    [x, weight, bias],
    { dtype: x.dtype, shape: [x.shape[0]!, outChannels!, ...spatial] },
    {
      kernel_shape: { ints: kernel },
      strides: { ints: strides },
      pads: { ints: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)] },
      dilations: { ints: dilations },
      group: { int: groups },
    },
  );
}
