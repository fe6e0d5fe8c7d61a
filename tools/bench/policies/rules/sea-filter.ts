/**
 * Filter of SeaCache: damps the frequencies of a latent in which noise hides the signal, the more so the more noise
 * there is (arXiv 2602.18993, equation 7; diffusers 0.42.1, `hooks/sea_cache.py`, `_apply_sea_filter`).
 *
 * The paper writes the gain for one frequency |f|. diffusers multiplies one gain for each axis, which is what is taken
 * here, because that code runs. A product of gains is a convolution along each axis in turn, so no Fourier transform
 * is needed. Where sigma is near 1 the mean gain is that of frequency 0 alone, and hardly more than the channel's mean
 * is left of the latent.
 */
import { assertBetween, assertCount } from "./rule.ts";

/** Exponent of the power spectrum that natural videos are believed to have. */
export const SEA_VIDEO_EXPONENT = 3;

/** Guards divisions, as in diffusers. */
const EPSILON = 1e-16;
/** Distance of sigma from 0 and from 1. */
const SIGMA_MARGIN = 1e-6;

/**
 * Gains of one axis for each of its discrete frequencies, in the order of a Fourier transform, with a mean of 1.
 *
 * With signal a = 1 - sigma, noise s = sigma and power P = 1 / |f|^exponent, a gain is a P / (a^2 P + s^2).
 *
 * @param sigma  share of noise, 0 to 1
 * @param length  size of the axis
 */
export function seaGains(sigma: number, length: number, exponent = SEA_VIDEO_EXPONENT): Float64Array {
  assertBetween("sigma", sigma, 0, 1);
  assertCount("length", length, 1);
  const noise = Math.min(1 - SIGMA_MARGIN, Math.max(SIGMA_MARGIN, sigma));
  const signal = 1 - noise;
  const gains = Float64Array.from({ length }, (_, index) => {
    const frequency = Math.min(index, length - index) / length;
    const power = 1 / (frequency ** exponent + EPSILON);
    return (signal * power) / (signal ** 2 * power + noise ** 2 + EPSILON);
  });
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / length;
  return gains.map((gain) => gain / mean);
}

/**
 * Filters a latent along its frames, rows and columns.
 *
 * @param latent  [C, F, H, W], flat
 * @param shape  [C, F, H, W]
 * @returns a new array of the same shape
 * @throws RangeError if the latent does not fill the shape
 */
export function seaFilter(
  latent: ArrayLike<number>,
  shape: readonly [number, number, number, number],
  sigma: number,
  exponent = SEA_VIDEO_EXPONENT,
): Float64Array {
  const size = shape.reduce((product, length) => product * length, 1);
  if (latent.length !== size) {
    throw new RangeError(`a latent of ${shape.join(" x ")} has ${size} values, got ${latent.length}`);
  }
  let filtered: Float64Array = Float64Array.from(latent);
  for (const axis of [1, 2, 3] as const) {
    const stride = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
    filtered = convolved(filtered, shape[axis], stride, kernelOf(seaGains(sigma, shape[axis], exponent)));
  }
  return filtered;
}

/** Circular kernel whose Fourier transform the gains are; they are symmetric, so it is real. */
function kernelOf(gains: Float64Array): Float64Array {
  const { length } = gains;
  return gains.map((_, offset) => {
    let sum = 0;
    // The product is reduced before the cosine, which is inexact for large angles.
    for (let k = 0; k < length; k++)
      sum += gains[k]! * Math.cos((2 * Math.PI * ((k * offset) % length)) / length);
    return sum / length;
  });
}

function convolved(values: Float64Array, length: number, stride: number, kernel: Float64Array): Float64Array {
  const result = new Float64Array(values.length);
  const span = length * stride;
  for (let start = 0; start < values.length; start += span) {
    for (let target = 0; target < length; target++) {
      for (let source = 0; source < length; source++) {
        const weight = kernel[(target - source + length) % length]!;
        const from = start + source * stride;
        const to = start + target * stride;
        for (let inner = 0; inner < stride; inner++) result[to + inner]! += weight * values[from + inner]!;
      }
    }
  }
  return result;
}
