import { decoderNames, type LatentShape } from "../models/index.ts";
import type { Session, Tensor } from "../onnx/index.ts";
import type { Frames } from "../video/index.ts";
import { pauseUnlessCancelled } from "./denoise.ts";

/** A run of the decoder, and the session that does it. */
export interface DecodingRun {
  /** Latent frames. */
  readonly frames: number;
  readonly session: Session;
}

/** How to make the pictures of one shape of video. */
export interface Decoding {
  readonly runs: readonly DecodingRun[];
  /** Frames of the video: all that the runs make. */
  readonly frames: number;
  /** Pixels along one edge of a latent's element. */
  readonly scale: number;
}

/**
 * The pictures of a latent, decoded run by run. What one run leaves behind is given to the next.
 *
 * @param latent [C, F, H, W]
 */
export async function decodeFrames(
  latent: Float32Array,
  shape: LatentShape,
  { runs, frames, scale, signal }: Decoding & { signal?: AbortSignal | undefined },
): Promise<Frames> {
  const [height, width] = [shape.height * scale, shape.width * scale];
  const rgb = new Uint8Array(frames * height * width * 3);
  let first = 0; // of the run's latent frames
  let firstPixel = 0; // of its pictures
  let left: Record<string, Tensor> = {};
  for (const { frames, session } of runs) {
    await pauseUnlessCancelled(signal);
    const feeds = { ...left, [decoderNames.latent]: latentFrames(latent, shape, first, frames) };
    const out = await session.run(feeds);
    const pictures = out[decoderNames.frames]!;
    const count = pictures.shape[0]!;
    interleave(pictures.data as Float32Array, rgb, firstPixel, count, height * width);
    left = feedsOfNext(out);
    first += frames;
    firstPixel += count * height * width;
  }
  return { width, height, count: frames, rgb };
}

/** Some frames of a latent [C, F, H, W], as [frames, C, H, W]. */
function latentFrames(latent: Float32Array, shape: LatentShape, first: number, frames: number): Tensor {
  const { channels, height, width } = shape;
  const area = height * width;
  const batch = new Float32Array(frames * channels * area);
  for (let f = 0; f < frames; f++) {
    for (let c = 0; c < channels; c++) {
      const start = (c * shape.frames + first + f) * area;
      batch.set(latent.subarray(start, start + area), (f * channels + c) * area);
    }
  }
  return { dtype: "float32", shape: [frames, channels, height, width], data: batch };
}

function feedsOfNext(out: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const { after, before } = decoderNames;
  const kept = Object.entries(out).filter(([name]) => name.startsWith(after));
  return Object.fromEntries(kept.map(([name, tensor]) => [before + name.slice(after.length), tensor]));
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
