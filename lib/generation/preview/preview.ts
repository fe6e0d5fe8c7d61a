import type { LatentEstimate } from "./latent-estimate.ts";
import type { LinearMap } from "./linear-map.ts";
import { PaddedFrame } from "./padded-frame.ts";

/** Small moving picture of what a video is becoming. */
export interface Preview {
  /** Denoising steps done. */
  readonly step: number;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Length of the video in seconds, in which its frames play. */
  readonly seconds: number;
  /** 8-bit sRGB pixels [frames, height, width, 3]. */
  readonly rgb: Uint8Array;
}

export interface PreviewShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Frames at the beginning that are given, and so are clean in every latent; 0 by default. */
  readonly given?: number;
  /** Length of the video in seconds. */
  readonly seconds: number;
}

/** Most frames of a preview, and most pixels along one edge. */
const FRAMES_MAX = 8;
export const SIDE_MAX = 160;

/**
 * Draws a preview of a clean latent through a linear map. The clean latent is computed a frame at a time, and for the
 * chosen frames alone, so that no copy of a latent is made.
 *
 * @param step denoising steps done, which the preview tells
 */
export function drawPreview(
  map: LinearMap,
  estimate: LatentEstimate,
  { channels, frames, height, width, given = 0, seconds }: PreviewShape,
  step: number,
): Preview {
  const { pixels, reach } = map;
  const chosen = evenlySpaced(frames, FRAMES_MAX);
  const drawn = { width: width * pixels, height: height * pixels };
  const block = Math.max(1, Math.ceil(Math.max(drawn.width, drawn.height) / SIDE_MAX));
  const size = { width: Math.ceil(drawn.width / block), height: Math.ceil(drawn.height / block) };
  const rgb = new Uint8Array(chosen.length * size.height * size.width * 3);
  const padded = new PaddedFrame({ channels, height, width, reach });
  const squares = Array.from({ length: pixels * pixels }, (_, square) => ({
    planes: new Float32Array(3 * height * width),
    weights: Float32Array.from(map.matrix.slice(3 * square, 3 * square + 3).flat()),
    offset: map.offset.slice(3 * square, 3 * square + 3),
  }));
  for (const [index, frame] of chosen.entries()) {
    padded.fill(frame < given ? { ...estimate, kept: 1, added: 0 } : estimate, frame, frames);
    for (const { planes, weights, offset } of squares) {
      const area = height * width;
      for (const [color, value] of offset.entries()) planes.fill(value, color * area, (color + 1) * area);
      padded.addTo(planes, weights);
    }
    // A clamped array rounds, and cuts what is beyond 0..255.
    const picture = new Uint8ClampedArray(rgb.buffer, index * size.height * size.width * 3);
    const all = squares.map(({ planes }) => planes);
    if (block === 1) writePixels(all, { width, height, pixels }, picture);
    else writeMeans(all, { width, height, pixels, block }, picture);
  }
  return { step, ...size, frames: chosen.length, seconds, rgb };
}

/** Returns the indices of at most `most` of `count` frames, evenly spaced, with the first and the last. */
export function evenlySpaced(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  if (taken <= 1) return [0];
  return Array.from({ length: taken }, (_, index) => Math.round((index * (count - 1)) / (taken - 1)));
}

interface Squares {
  readonly width: number;
  readonly height: number;
  readonly pixels: number;
}

/** Writes the planes [3, H, W] of each pixel of the squares as a picture [H * pixels, W * pixels, 3]. */
function writePixels(
  squares: readonly Float32Array[],
  { width, height, pixels }: Squares,
  picture: Uint8ClampedArray,
): void {
  const area = width * height;
  for (const [square, planes] of squares.entries()) {
    const corner = Math.floor(square / pixels) * width * pixels + (square % pixels);
    for (let y = 0; y < height; y++) {
      let to = (y * pixels * width * pixels + corner) * 3;
      const end = (y + 1) * width;
      for (let from = y * width; from < end; from++, to += 3 * pixels) {
        picture[to] = planes[from]!;
        picture[to + 1] = planes[area + from]!;
        picture[to + 2] = planes[2 * area + from]!;
      }
    }
  }
}

/** Writes means over `block` by `block` of these pixels. */
function writeMeans(
  squares: readonly Float32Array[],
  { width, height, pixels, block }: Squares & { readonly block: number },
  picture: Uint8ClampedArray,
): void {
  const [right, bottom] = [width * pixels, height * pixels];
  let to = 0;
  for (let top = 0; top < bottom; top += block) {
    const end = Math.min(bottom, top + block);
    for (let left = 0; left < right; left += block) {
      const stop = Math.min(right, left + block);
      for (let color = 0; color < 3; color++) {
        let sum = 0;
        for (let y = top; y < end; y++) {
          for (let x = left; x < stop; x++) {
            const planes = squares[(y % pixels) * pixels + (x % pixels)]!;
            sum += planes[(color * height + Math.floor(y / pixels)) * width + Math.floor(x / pixels)]!;
          }
        }
        picture[to++] = sum / ((end - top) * (stop - left));
      }
    }
  }
}
