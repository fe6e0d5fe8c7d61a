import { type DecoderRun, decoderNames, type LatentShape } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { gaussianNoise } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import { continuedOutputs, type OpenedRun, type RunPlace } from "./continued-runs.ts";
import { checkFinite } from "./finite.ts";

/** Decoder runs for one shape of video. */
export interface Decoding {
  readonly runs: readonly OpenedRun<DecoderRun>[];
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
 * Decodes a latent run by run into the frames of the video. Features of the whole latent are kept until the end.
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
  const features: Tensor[] = [];
  for (const { makesFeatures, takesFeatures, strip, runs: passRuns } of passesOf(runs)) {
    const feeds = ({ first, frames }: RunPlace) =>
      takesFeatures
        ? { [decoderNames.features]: framesOf(features, first, frames) }
        : {
            [decoderNames.latent]: latentFrames(latent, shape, first, frames),
            ...(noise && { [decoderNames.noise]: latentFrames(noise, shape, first, frames) }),
          };
    const top = strip?.axis === "height" ? strip.first * scale : 0;
    const left = strip?.axis === "width" ? strip.first * scale : 0;
    let firstFrame = 0;
    for await (const out of continuedOutputs(passRuns, feeds, signal)) {
      if (makesFeatures) {
        features.push(out[decoderNames.features]!);
        continue;
      }
      const pictures = out[decoderNames.frames]!;
      checkFinite(pictures.data as Float32Array, { subject: "The decoder" });
      interleave(pictures, { width, height, rgb }, { firstFrame, top, left });
      firstFrame += pictures.shape[0]!;
    }
  }
  return { width, height, count: frames, rgb };
}

interface Pass extends Pick<DecoderRun, "makesFeatures" | "takesFeatures" | "strip"> {
  readonly runs: OpenedRun<DecoderRun>[];
}

/** Groups consecutive runs that make the same: features, pictures, or a strip of them. Each group begins at frame 0. */
function passesOf(runs: readonly OpenedRun<DecoderRun>[]): readonly Pass[] {
  const passes: Pass[] = [];
  for (const run of runs) {
    const { makesFeatures = false, takesFeatures = false, strip } = run;
    const last = passes.at(-1);
    if (last && last.makesFeatures === makesFeatures && last.strip?.first === strip?.first)
      last.runs.push(run);
    else passes.push({ makesFeatures, takesFeatures, ...(strip && { strip }), runs: [run] });
  }
  return passes;
}

/** Returns some frames of tensors [F, ...] that follow one another. */
function framesOf(tensors: readonly Tensor[], first: number, frames: number): Tensor {
  const [, ...rest] = tensors[0]!.shape as [number, ...number[]];
  const size = rest.reduce((product, extent) => product * extent, 1);
  const data = new Float32Array(frames * size);
  let start = -first * size;
  for (const tensor of tensors) {
    const values = tensor.data as Float32Array;
    const [from, to] = [Math.max(0, -start), Math.min(values.length, data.length - start)];
    if (from < to) data.set(values.subarray(from, to), start + from);
    start += values.length;
  }
  return { dtype: "float32", shape: [frames, ...rest], data };
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
 * Converts pictures [F, 3, h, w] in -1..1 to a part of the video's bytes [frames, height, width, 3]. Clamps, because
 * `Uint8Array` wraps values out of range.
 */
function interleave(
  { data, shape }: Tensor,
  { width, height, rgb }: Omit<Frames, "count">,
  { firstFrame, top, left }: { readonly firstFrame: number; readonly top: number; readonly left: number },
): void {
  const [frames, channels, h, w] = shape as [number, number, number, number];
  const planes = data as Float32Array;
  let from = 0;
  for (let f = 0; f < frames; f++) {
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < h; y++) {
        let at = (((firstFrame + f) * height + top + y) * width + left) * channels + c;
        for (const end = from + w; from < end; from++) {
          rgb[at] = Math.round(Math.min(1, Math.max(0, (planes[from]! + 1) / 2)) * 255);
          at += channels;
        }
      }
    }
  }
}
