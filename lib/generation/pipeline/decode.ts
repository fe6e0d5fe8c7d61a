import { decoderNames, type LatentShape } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { gaussianNoise } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import { continuedOutputs, type OpenedRun, type RunPlace } from "./continued-runs.ts";
import { checkFinite } from "./finite.ts";

/** Decoder runs for one shape of video. */
export interface Decoding {
  readonly runs: readonly OpenedRun[];
  /** Number of frames that all runs make together. */
  readonly frames: number;
  /** Pixels along one edge of a latent element. */
  readonly scale: number;
  /** True if the decoder is given noise; false by default. */
  readonly takesNoise?: boolean;
}

/** Stream of a seed from which a decoder's noise is drawn; samplers count theirs from 0 up. */
export const DECODER_STREAM = 2 ** 32 - 1;

interface DecodeOptions extends Decoding {
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes a latent run by run into the frames of the video.
 *
 * @param latent [C, F, H, W]
 * @param options.seed seed of the noise, for decoders that take some; 0 by default
 * @throws CancelledError between two runs once `signal` is aborted, GenerationError for pixels that are not finite
 */
export async function decodeFrames(
  latent: Float32Array,
  shape: LatentShape,
  { runs, frames, scale, takesNoise, seed = 0, signal }: DecodeOptions,
): Promise<Frames> {
  const [height, width] = [shape.height * scale, shape.width * scale];
  const rgb = new Uint8Array(frames * height * width * 3);
  const noise = takesNoise ? gaussianNoise(seed, latent.length, DECODER_STREAM) : null;
  const feeds = ({ first, frames }: RunPlace) => ({
    [decoderNames.latent]: latentFrames(latent, shape, first, frames),
    ...(noise && { [decoderNames.noise]: latentFrames(noise, shape, first, frames) }),
  });
  let firstPixel = 0; // index of the first pixel of the run's frames
  for await (const out of continuedOutputs(runs, feeds, signal)) {
    const pictures = out[decoderNames.frames]!;
    const count = pictures.shape[0]!;
    checkFinite(pictures.data as Float32Array, { subject: "The decoder" });
    interleave(pictures.data as Float32Array, rgb, firstPixel, count, height * width);
    firstPixel += count * height * width;
  }
  return { width, height, count: frames, rgb };
}

/** Copies some frames of a latent [C, F, H, W] to [frames, C, H, W]. */
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

/**
 * Converts planes [F, 3, pixels] in -1..1 to bytes [F, pixels, 3]. Clamps, because `Uint8Array` wraps values out of
 * range.
 */
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
