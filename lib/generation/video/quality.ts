import { assertFrames, type Frames, VideoError } from "./frames.ts";

const PEAK = 255;

/**
 * Constants of Wang et al. 2004, section III-C: an 11x11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03.
 */
const RADIUS = 5;
const SIGMA = 1.5;
const C1 = (0.01 * PEAK) ** 2;
const C2 = (0.03 * PEAK) ** 2;

/**
 * Peak signal-to-noise ratio in dB of two videos of one shape: one mean squared error over all frames, pixels
 * and channels of the 8-bit RGB, peak 255. Infinity when they are identical.
 *
 * @throws VideoError if the shapes differ
 */
export function psnr(a: Frames, b: Frames): number {
  assertSameShape(a, b);
  let squares = 0;
  for (let at = 0; at < a.rgb.length; at++) squares += (a.rgb[at]! - b.rgb[at]!) ** 2;
  return squares === 0 ? Infinity : 10 * Math.log10((PEAK ** 2 * a.rgb.length) / squares);
}

/**
 * Structural similarity of two videos of one shape, at most 1 (identical): computed on each of R, G and B,
 * over the positions where the whole window lies inside the frame, then averaged over positions, channels and
 * frames.
 *
 * @throws VideoError if the shapes differ or a side is below 11
 * @see Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment", IEEE TIP 13(4), 2004, eq. 13
 */
export function ssim(a: Frames, b: Frames): number {
  assertSameShape(a, b);
  const { width, height, count } = a;
  if (Math.min(width, height) < 2 * RADIUS + 1) {
    throw new VideoError(`SSIM needs frames of at least 11x11, not ${width}x${height}.`);
  }
  let sum = 0;
  for (let frame = 0; frame < count; frame++) {
    for (let channel = 0; channel < 3; channel++) {
      const offset = frame * height * width * 3 + channel;
      sum += planeSsim(plane(a, offset), plane(b, offset), width, height);
    }
  }
  return sum / (count * 3);
}

function planeSsim(x: Float64Array, y: Float64Array, width: number, height: number): number {
  const mean = (of: Float64Array) => blurInside(of, width, height);
  const squares = new Float64Array(x.length);
  const products = new Float64Array(x.length);
  for (let at = 0; at < x.length; at++) {
    squares[at] = x[at]! ** 2 + y[at]! ** 2;
    products[at] = x[at]! * y[at]!;
  }
  const meanX = mean(x);
  const meanY = mean(y);
  const meanSquares = mean(squares);
  const meanProduct = mean(products);
  let sum = 0;
  for (let at = 0; at < meanX.length; at++) {
    const productOfMeans = meanX[at]! * meanY[at]!;
    const squaresOfMeans = meanX[at]! ** 2 + meanY[at]! ** 2;
    const covariance = meanProduct[at]! - productOfMeans;
    const variances = meanSquares[at]! - squaresOfMeans;
    sum += ((2 * productOfMeans + C1) * (2 * covariance + C2)) / ((squaresOfMeans + C1) * (variances + C2));
  }
  return sum / meanX.length;
}

const WINDOW = gaussianWindow();

function gaussianWindow(): readonly number[] {
  const taps = Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
    Math.exp(-((i - RADIUS) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** [H, W] -> [H-10, W-10]: the Gaussian is separable, so rows first and columns after. */
function blurInside(values: Float64Array, width: number, height: number): Float64Array {
  const innerWidth = width - 2 * RADIUS;
  const innerHeight = height - 2 * RADIUS;
  const rows = new Float64Array(height * innerWidth);
  for (let y = 0; y < height; y++) {
    for (let tap = 0; tap < WINDOW.length; tap++) {
      const weight = WINDOW[tap]!;
      const from = y * width + tap;
      const to = y * innerWidth;
      for (let x = 0; x < innerWidth; x++) rows[to + x]! += weight * values[from + x]!;
    }
  }
  const inside = new Float64Array(innerHeight * innerWidth);
  for (let tap = 0; tap < WINDOW.length; tap++) {
    const weight = WINDOW[tap]!;
    const shift = tap * innerWidth;
    for (let at = 0; at < inside.length; at++) inside[at]! += weight * rows[at + shift]!;
  }
  return inside;
}

/** One channel of one frame as [H, W]. */
function plane(frames: Frames, offset: number): Float64Array {
  const values = new Float64Array(frames.width * frames.height);
  for (let at = 0; at < values.length; at++) values[at] = frames.rgb[offset + at * 3]!;
  return values;
}

function assertSameShape(a: Frames, b: Frames): void {
  assertFrames(a);
  assertFrames(b);
  if (a.width !== b.width || a.height !== b.height || a.count !== b.count) {
    const shape = (frames: Frames) => `${frames.count} frames of ${frames.width}x${frames.height}`;
    throw new VideoError(`Two videos of different shapes cannot be compared: ${shape(a)} and ${shape(b)}.`);
  }
}
