import type { LinearMap } from "./linear-map.ts";

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
const SIDE_MAX = 160;

/**
 * Draws a preview of a clean latent through a linear map. The clean latent is computed for the chosen frames alone, so
 * that no copy of a latent is made.
 *
 * @param step denoising steps done, which the preview tells
 */
export function drawPreview(
  map: LinearMap,
  estimate: LatentEstimate,
  shape: PreviewShape,
  step: number,
): Preview {
  const { channels, frames, height, width, given = 0, seconds } = shape;
  const { latent, prediction } = estimate;
  const { pixels } = map;
  const drawn = { width: width * pixels, height: height * pixels };
  const chosen = evenlySpaced(frames, FRAMES_MAX);
  const area = height * width;
  const block = Math.max(1, Math.ceil(Math.max(drawn.width, drawn.height) / SIDE_MAX));
  const [small, low] = [Math.ceil(drawn.width / block), Math.ceil(drawn.height / block)];
  const rgb = new Uint8Array(chosen.length * low * small * 3);
  const planes = new Float32Array(map.offset.length * area);
  for (const [index, frame] of chosen.entries()) {
    const [kept, added] = frame < given ? [1, 0] : [estimate.kept, estimate.added];
    for (let row = 0; row < map.offset.length; row++)
      planes.fill(map.offset[row]!, row * area, (row + 1) * area);
    for (let channel = 0; channel < channels; channel++) {
      const from = (channel * frames + frame) * area;
      for (let row = 0; row < map.offset.length; row++) {
        const weight = map.matrix[row]![channel]!;
        const [ofLatent, ofPrediction] = [weight * kept, weight * added];
        const to = row * area;
        for (let i = 0; i < area; i++)
          planes[to + i]! += ofLatent * latent[from + i]! + ofPrediction * prediction[from + i]!;
      }
    }
    const picture = rgb.subarray(index * low * small * 3, (index + 1) * low * small * 3);
    shrink(planes, { width, height, pixels, block }, picture);
  }
  return { step, width: small, height: low, frames: chosen.length, seconds, rgb };
}

/** Returns the indices of at most `most` of `count` frames, evenly spaced, with the first and the last. */
export function evenlySpaced(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  if (taken <= 1) return [0];
  return Array.from({ length: taken }, (_, index) => Math.round((index * (count - 1)) / (taken - 1)));
}

/** Writes planes [pixels, pixels, 3, H, W] as a picture whose pixels are means over `block` by `block` of theirs. */
function shrink(
  planes: Float32Array,
  { width, height, pixels, block }: { width: number; height: number; pixels: number; block: number },
  picture: Uint8Array,
): void {
  const [right, bottom] = [width * pixels, height * pixels];
  const area = width * height;
  let at = 0;
  for (let top = 0; top < bottom; top += block) {
    for (let left = 0; left < right; left += block) {
      for (let color = 0; color < 3; color++) {
        let [sum, count] = [0, 0];
        for (let y = top; y < Math.min(bottom, top + block); y++) {
          for (let x = left; x < Math.min(right, left + block); x++) {
            const plane = ((y % pixels) * pixels + (x % pixels)) * 3 + color;
            sum += planes[plane * area + Math.floor(y / pixels) * width + Math.floor(x / pixels)]!;
            count += 1;
          }
        }
        picture[at++] = Math.round(Math.min(255, Math.max(0, sum / count)));
      }
    }
  }
}
