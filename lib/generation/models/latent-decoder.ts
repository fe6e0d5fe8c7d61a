import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";

/** Turns latents into the frames of a video, in one run or several that follow one another. */
export interface LatentDecoder {
  /** Channels of a latent. */
  readonly channels: number;
  /** Pixels along one edge of a latent's element. */
  readonly scale: number;
  /**
   * Latent frames of a video of so many frames.
   *
   * @throws RangeError, in words for a user, where the decoder makes no video of that length
   */
  latentFrames(frames: number): number;
  /**
   * The runs that decode a latent, in order, each as large as memory should allow. Where frames depend on their
   * neighbours, this is where a latent may be cut at all, and where it must be.
   */
  runs(latent: LatentExtent): readonly DecoderRun[];
  /**
   * Input `latent` [F, C, height, width]; output `frames` [P, 3, height * scale, width * scale], nominally
   * -1..1, the P frames of the video that follow those of the run before. A run that is continued has outputs
   * `after.NAME`, which are the inputs `before.NAME` of the next one.
   */
  build(run: DecoderRun & Omit<LatentExtent, "frames">, options: BuildOptions): Graph;
}

/** Extent of a latent, in latent units. */
export interface LatentExtent {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

export interface DecoderRun {
  /** Latent frames. */
  readonly frames: number;
  /** True where the run takes the state that the run before left; false by default. */
  readonly continues?: boolean;
  /** True where the run leaves state for the next; false by default. */
  readonly isContinued?: boolean;
}

/** Names of the inputs and outputs of every decoder's graph. */
export const decoderNames = {
  latent: "latent",
  frames: "frames",
  /** Prefix of inputs that hold the state of the run before. */
  before: "before.",
  /** Prefix of outputs that hold the state for the next run. */
  after: "after.",
} as const;

/**
 * Pixels of the video decoded in one run. A convolutional decoder needs some 2 KB for each of them, and 5.3 KB
 * where it has the width of the published AutoencoderKL: 2.8 GB.
 */
export const PIXELS_PER_RUN = 2 ** 19;

/**
 * Number of latent frames to decode at once, each of which becomes `pixels` pixels: a divisor of `frames`, so that
 * one session serves every run.
 */
export function framesPerRun(frames: number, pixels: number): number {
  const most = Math.max(1, Math.floor(PIXELS_PER_RUN / pixels));
  for (let count = Math.min(frames, most); count > 1; count--) {
    if (frames % count === 0) return count;
  }
  return 1;
}

/**
 * Latent frames of a video whose first frame is a latent frame by itself, and every `rate` frames after it another.
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
