import { counted } from "../../shared/sentences/index.ts";
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
 * Returns the peak signal-to-noise ratio of two videos of the same shape, in dB; Infinity if they are
 * identical. The mean squared error is taken over all frames, pixels and channels of the 8-bit RGB, with a
 * peak of 255.
 *
 * @throws VideoError if the shapes differ
 *
 * @example
 * const black = { width: 64, height: 64, count: 16, rgb: new Uint8Array(16 * 64 * 64 * 3) };
 * const grey = { ...black, rgb: black.rgb.map(() => 1) };
 * psnr(black, grey); // 48.13 dB
 */
export function psnr(a: Frames, b: Frames): number {
  assertSameShape(a, b);
  let squares = 0;
  for (let at = 0; at < a.rgb.length; at++) squares += (a.rgb[at]! - b.rgb[at]!) ** 2;
  return squares === 0 ? Infinity : 10 * Math.log10((PEAK ** 2 * a.rgb.length) / squares);
}

/**
 * Returns the structural similarity of two videos of the same shape; 1 if they are identical. It is computed
 * on each of R, G and B at the positions where the whole window lies inside the frame, then averaged over
 * positions, channels and frames.
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

/** Blurs [H, W] to [H-10, W-10]. The Gaussian is separable: rows first, then columns. */
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

/** Returns one channel of one frame as [H, W]. */
function plane(frames: Frames, offset: number): Float64Array {
  const values = new Float64Array(frames.width * frames.height);
  for (let at = 0; at < values.length; at++) values[at] = frames.rgb[offset + at * 3]!;
  return values;
}

function assertSameShape(a: Frames, b: Frames): void {
  assertFrames(a);
  assertFrames(b);
  if (a.width !== b.width || a.height !== b.height || a.count !== b.count) {
    const shape = (frames: Frames) => `${counted(frames.count, "frame")} of ${frames.width}x${frames.height}`;
    throw new VideoError(`Two videos of different shapes cannot be compared: ${shape(a)} and ${shape(b)}.`);
  }
}
