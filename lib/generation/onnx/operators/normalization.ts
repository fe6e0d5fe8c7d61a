import type { Value } from "../graph.ts";
import { loweringOf } from "../lowering.ts";
import { formatShape, sameShape } from "../shape.ts";
import { cast } from "./elementwise.ts";
import { emit } from "./emit.ts";

/**
 * Layer normalisation over the last axis. Without `weight` it is torch's `elementwise_affine=False`.
 *
 * @param x  [..., D]; weight and bias [D]
 */
export function layerNorm(x: Value, options: { eps: number; weight?: Value; bias?: Value }): Value {
  const width = x.shape.at(-1) ?? x.graph.fail("layerNorm: a scalar has no last axis");
  const weight = options.weight ?? x.graph.constant(new Float32Array(width).fill(1), [width]);
  for (const parameter of [weight, options.bias]) checkPerChannel(x, parameter, width, "layerNorm");
  const attributes = { axis: { int: -1 }, epsilon: { float: options.eps } };
  const input = cast(x, "float32");
  return emit("LayerNormalization", [input, weight, options.bias], input, attributes);
}

/**
 * Root mean square normalisation over the last axis: x / sqrt(mean(x^2) + eps) * weight.
 *
 * @param x  [..., D]; weight [D]
 */
export function rmsNorm(x: Value, weight: Value, options: { eps: number }): Value {
  checkPerChannel(x, weight, x.shape.at(-1), "rmsNorm");
  return loweringOf(x.graph).rmsNorm(cast(x, "float32"), weight, options.eps);
}

/**
 * Group normalisation: normalises each of `groups` groups of channels over its channels and all positions.
 *
 * @param x  [B, C, ...positions]; weight and bias [C]
 */
export function groupNorm(x: Value, groups: number, weight: Value, bias: Value, eps: number): Value {
  const channels = x.shape[1];
  if (channels === undefined || channels % groups !== 0) {
    x.graph.fail(`groupNorm: the channels of ${formatShape(x.shape)} do not divide into ${groups} groups`);
  }
  for (const parameter of [weight, bias]) checkPerChannel(x, parameter, channels, "groupNorm");
  return loweringOf(x.graph).groupNorm(cast(x, "float32"), groups, weight, bias, eps);
}

function checkPerChannel(
  x: Value,
  parameter: Value | undefined,
  channels: number | undefined,
  operator: string,
) {
  if (parameter && !sameShape(parameter.shape, [channels ?? -1])) {
    x.graph.fail(
      `${operator}: parameter ${formatShape(parameter.shape)} does not fit input ${formatShape(x.shape)}`,
    );
  }
}
