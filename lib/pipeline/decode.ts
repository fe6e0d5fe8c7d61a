import type { LatentShape } from "../models/index.ts";
import type { Session } from "../onnx/index.ts";
import type { Frames } from "../video/index.ts";
import { pauseUnlessCancelled } from "./denoise.ts";

/** Pixels decoded in one run: a convolutional decoder needs some 2 KB for each of them. */
const PIXELS_PER_RUN = 2 ** 19;

/** How many latent frames to decode at once: a divisor of `frames`, so that one session serves every run. */
export function framesPerRun(frames: number, height: number, width: number): number {
  const most = Math.max(1, Math.floor(PIXELS_PER_RUN / (height * width)));
  for (let count = Math.min(frames, most); count > 1; count--) {
    if (frames % count === 0) return count;
  }
  return 1;
}

/**
 * The pictures of a latent, decoded a few frames at a time.
 *
 * @param latent [C, F, H, W]
 * @param perRun latent frames the session takes
 */
export async function decodeFrames(
  session: Session,
  latent: Float32Array,
  { channels, frames, height, width }: LatentShape,
  { perRun, scale, signal }: { perRun: number; scale: number; signal?: AbortSignal | undefined },
): Promise<Frames> {
  const area = height * width;
  const outHeight = height * scale;
  const outWidth = width * scale;
  const rgb = new Uint8Array(frames * outHeight * outWidth * 3);
  for (let first = 0; first < frames; first += perRun) {
    await pauseUnlessCancelled(signal);
    const batch = new Float32Array(perRun * channels * area); // [F, C, H, W]
    for (let f = 0; f < perRun; f++) {
      for (let c = 0; c < channels; c++) {
        const start = (c * frames + first + f) * area;
        batch.set(latent.subarray(start, start + area), (f * channels + c) * area);
      }
    }
    const out = await session.run({
      latent: { dtype: "float32", shape: [perRun, channels, height, width], data: batch },
    });
    interleave(
      out.frames!.data as Float32Array,
      rgb,
      first * outHeight * outWidth,
      perRun,
      outHeight * outWidth,
    );
  }
  return { width: outWidth, height: outHeight, count: frames, rgb };
}

/** Planes in -1..1, [F, 3, pixels], to bytes [F, pixels, 3]; `Uint8Array` would wrap what it cannot hold. */
function interleave(
  planes: Float32Array,
  rgb: Uint8Array,
  firstPixel: number,
  frames: number,
  pixels: number,
): void {
  for (let f = 0; f < frames; f++) {
    for (let c = 0; c < 3; c++) {
      const plane = planes.subarray((f * 3 + c) * pixels, (f * 3 + c + 1) * pixels);
      let at = (firstPixel + f * pixels) * 3 + c;
      for (const value of plane) {
        rgb[at] = Math.round(Math.min(1, Math.max(0, (value + 1) / 2)) * 255);
        at += 3;
      }
    }
  }
}
