/** Reference implementations of the operators: slow, obvious, in double precision. */
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { size } from "./run-graph.ts";

/** Calls `visit` with every index of `shape`, in row-major order. */
export function forEachIndex(shape: readonly number[], visit: (index: number[], flat: number) => void): void {
  for (let flat = 0; flat < size(shape); flat++) {
    const index: number[] = [];
    let rest = flat;
    for (const length of shape.toReversed()) {
      index.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    visit(index, flat);
  }
}

/** Returns the element of `x` at `index`, broadcasting axes of size 1 and missing leading axes. */
export function at(x: Tensor, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  const flat = x.shape.reduce((sum, length, axis) => sum * length + (length === 1 ? 0 : own[axis]!), 0);
  return Number(x.data[flat]);
}

/** Creates a tensor from one value for each index of `shape`. */
export function tabulate(shape: readonly number[], valueAt: (index: number[]) => number): number[] {
  const values: number[] = [];
  forEachIndex(shape, (index) => values.push(valueAt(index)));
  return values;
}

export function sum(count: number, term: (index: number) => number): number {
  let total = 0;
  for (let index = 0; index < count; index++) total += term(index);
  return total;
}

export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  heads: number,
  scale: number,
  mask?: Tensor,
): number[] {
  const width = q.shape[2]!;
  const keyCount = k.shape[1]!;
  const headWidth = width / heads;
  return tabulate(q.shape, ([batch, query, channel]) => {
    const head = Math.floor(channel! / headWidth);
    const scores = Array.from({ length: keyCount }, (_, key) => {
      const score = sum(headWidth, (lane) => {
        const column = head * headWidth + lane;
        return at(q, [batch!, query!, column]) * at(k, [batch!, key, column]);
      });
      if (!mask) return score * scale;
      const masked = at(mask, [batch!, head, query!, key]);
      if (mask.dtype === "bool") return masked ? score * scale : Number.NEGATIVE_INFINITY;
      return score * scale + masked;
    });
    const highest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((a, b) => a + b, 0);
    return sum(keyCount, (key) => (weights[key]! / total) * at(v, [batch!, key, channel!]));
  });
}

/** Returns the convolution over any number of spatial axes, with the same stride, padding and dilation on each. */
export function convolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  outShape: readonly number[],
  { stride = 1, pads = 0, dilation = 1, groups = 1 },
): number[] {
  const [outChannels, groupChannels, ...kernel] = weight.shape as [number, number, ...number[]];
  return tabulate(outShape, ([batch, out, ...position]) => {
    let total = at(bias, [out!]);
    const firstChannel = Math.floor(out! / (outChannels / groups)) * groupChannels;
    forEachIndex([groupChannels, ...kernel], ([channel, ...tap]) => {
      const source = position.map((place, axis) => place * stride - pads + tap[axis]! * dilation);
      if (source.some((place, axis) => place < 0 || place >= x.shape[axis + 2]!)) return;
      total += at(x, [batch!, firstChannel + channel!, ...source]) * at(weight, [out!, channel!, ...tap]);
    });
    return total;
  });
}

export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): number[] {
  const [, channels, ...positions] = x.shape as [number, number, ...number[]];
  const perGroup = (channels / groups) * size(positions);
  return tabulate(x.shape, ([batch, channel, ...position]) => {
    const group = Math.floor((channel! * groups) / channels);
    const first = (batch! * groups + group) * perGroup;
    const mean = sum(perGroup, (index) => Number(x.data[first + index])) / perGroup;
    const variance = sum(perGroup, (index) => (Number(x.data[first + index]) - mean) ** 2) / perGroup;
    const normal = (at(x, [batch!, channel!, ...position]) - mean) / Math.sqrt(variance + eps);
    return normal * at(weight, [channel!]) + at(bias, [channel!]);
  });
}

/**
 * Returns the error function by its Maclaurin series, exact enough for |x| < 4. Abramowitz and Stegun 7.1.26 would be
 * too coarse.
 */
export function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
