import { type LinearMap, placesOf } from "./linear-map.ts";
import { PaddedPlane } from "./padded-plane.ts";

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

/** Clean latent that a denoising step implies, as its parts: `kept * latent + added * prediction`. */
export interface LatentEstimate {
  /** Latent before the step [C, F, H, W]. */
  readonly latent: Float32Array;
  readonly prediction: Float32Array;
  readonly kept: number;
  readonly added: number;
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
 * Draws a preview of a clean latent through a linear map. The clean latent is computed one channel of one frame at a
 * time, and for the chosen frames alone, so that no copy of a latent is made.
 *
 * @param step denoising steps done, which the preview tells
 */
export function drawPreview(
  map: LinearMap,
  { latent, prediction, ...weights }: LatentEstimate,
  { channels, frames, height, width, given = 0, seconds }: PreviewShape,
  step: number,
): Preview {
  const area = height * width;
  const chosen = evenlySpaced(frames, FRAMES_MAX);
  const drawn = { width: width * map.pixels, height: height * map.pixels };
  const block = Math.max(1, Math.ceil(Math.max(drawn.width, drawn.height) / SIDE_MAX));
  const size = { width: Math.ceil(drawn.width / block), height: Math.ceil(drawn.height / block) };
  const rgb = new Uint8Array(chosen.length * size.height * size.width * 3);
  const planes = map.offset.map(() => new Float32Array(area));
  const padded = new PaddedPlane({ width, height, reach: map.reach });
  for (const [index, frame] of chosen.entries()) {
    const [kept, added] = frame < given ? [1, 0] : [weights.kept, weights.added];
    for (const [row, plane] of planes.entries()) plane.fill(map.offset[row]!);
    for (let channel = 0; channel < channels; channel++) {
      const from = (channel * frames + frame) * area;
      padded.fill((at) => kept * latent[from + at]! + added * prediction[from + at]!);
      for (const [row, plane] of planes.entries())
        for (let place = 0; place < placesOf(map.reach); place++)
          padded.addTo(plane, place, map.matrix[row]![place * channels + channel]!);
    }
    const picture = rgb.subarray(index * size.height * size.width * 3);
    writePicture(planes, { width, height, pixels: map.pixels, block }, picture);
  }
  return { step, ...size, frames: chosen.length, seconds, rgb };
}

/** Returns the indices of at most `most` of `count` frames, evenly spaced, with the first and the last. */
export function evenlySpaced(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  if (taken <= 1) return [0];
  return Array.from({ length: taken }, (_, index) => Math.round((index * (count - 1)) / (taken - 1)));
}

interface Blocks {
  readonly width: number;
  readonly height: number;
  readonly pixels: number;
  readonly block: number;
}

/**
 * Writes planes [pixels, pixels, 3][H * W] as a picture, whose pixels are means over `block` by `block` of theirs, in
 * 0..255.
 */
function writePicture(planes: readonly Float32Array[], blocks: Blocks, picture: Uint8Array): void {
  const { width, height, pixels, block } = blocks;
  const [right, bottom] = [width * pixels, height * pixels];
  let at = 0;
  for (let top = 0; top < bottom; top += block) {
    const end = Math.min(bottom, top + block);
    for (let left = 0; left < right; left += block) {
      const stop = Math.min(right, left + block);
      const count = (end - top) * (stop - left);
      for (let color = 0; color < 3; color++) {
        let sum = 0;
        for (let y = top; y < end; y++) {
          for (let x = left; x < stop; x++) {
            const plane = planes[((y % pixels) * pixels + (x % pixels)) * 3 + color]!;
            sum += plane[Math.floor(y / pixels) * width + Math.floor(x / pixels)]!;
          }
        }
        picture[at++] = Math.round(Math.min(255, Math.max(0, sum / count)));
      }
    }
  }
}
