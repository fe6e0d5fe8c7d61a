import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";
import { type ContinuedRun, stateNames } from "./continued-run.ts";
import type { Strip } from "./strips.ts";

/** Decodes latents to the frames of a video, in one run or in several consecutive runs. */
export interface LatentDecoder {
  /** Channels of a latent. */
  readonly channels: number;
  /** Pixels along one edge of a latent element. */
  readonly scale: number;
  /** True if the decoder removes a rest of noise that it is given; false by default. */
  readonly takesNoise?: boolean;
  /**
   * Returns the number of latent frames of a video with so many frames.
   *
   * @throws RangeError, in words for a user, if the decoder makes no video of that length
   */
  latentFrames(frames: number): number;
  /**
   * Returns the runs that decode a latent, in order, each as large as memory should allow. A decoder whose frames
   * depend on their neighbours decides here where a latent may or must be cut.
   *
   * A decoder may make features of the whole latent first, and then, beginning at the first of their frames again, the
   * pictures or one strip of all pictures after another.
   */
  runs(latent: LatentExtent): readonly DecoderRun[];
  /**
   * Builds the graph of a run. Input `latent` [F, C, height, width]; output `frames` [P, 3, height * scale, width *
   * scale], nominally -1..1: the next P frames of the video. State is handed on as `ContinuedRun` says. A decoder that
   * takes noise has an input `noise` of the latent's shape: standard normal numbers.
   *
   * A run that makes features has an output `features` [N, ...] in place of `frames`, and a run that takes features has an
   * input `features` [F, ...] in place of `latent`. The pictures of a strip have its height or its width.
   */
  build(run: DecoderRun & Omit<LatentExtent, "frames">, options: BuildOptions): Graph;
}

/** Extent of a latent, in latent units. */
export interface LatentExtent {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** A run of a decoder; it takes in latent frames. */
export interface DecoderRun extends ContinuedRun {
  /** True if the run makes features and no pictures; false by default. */
  readonly makesFeatures?: boolean;
  /** True if the run's frames are those of the features, and not of the latent; false by default. */
  readonly takesFeatures?: boolean;
  /** Strip of the pictures that the run makes; by default it makes whole pictures. */
  readonly strip?: Strip;
}

/** Names of the inputs and outputs of every decoder's graph. */
export const decoderNames = {
  latent: "latent",
  noise: "noise",
  features: "features",
  frames: "frames",
  ...stateNames,
} as const;

/**
 * Pixels of the video that are decoded in one run. A convolutional decoder needs about 2 KB of memory for each, also
 * with the width of the published AutoencoderKL in bands.
 */
export const PIXELS_PER_RUN = 2 ** 19;

/**
 * Returns the number of latent frames to decode in one run, if each becomes `pixels` pixels: a divisor of `frames`, so
 * that one session serves every run.
 */
export function framesPerRun(frames: number, pixels: number): number {
  const most = Math.max(1, Math.floor(PIXELS_PER_RUN / pixels));
  for (let count = Math.min(frames, most); count > 1; count--) {
    if (frames % count === 0) return count;
  }
  return 1;
}

/**
 * Returns the number of latent frames of a causal autoencoder: the first frame of the video has a latent frame of its
 * own, and every `rate` frames after it share one.
 *
 * @throws RangeError, in words for a user, for a number of frames in between
 */
export function causalLatentFrames(frames: number, rate: number): number {
  const latentFrames = 1 + (frames - 1) / rate;
  if (Number.isInteger(latentFrames) && latentFrames >= 1) return latentFrames;
  throw new RangeError(
    `This model makes videos of 1, ${1 + rate}, ${1 + 2 * rate} and so on frames, not ${frames}.`,
  );
}
