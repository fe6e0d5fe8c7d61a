import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";
import { type ContinuedRun, stateNames } from "./continued-run.ts";
import type { LatentExtent } from "./latent-decoder.ts";

/**
 * Encodes pictures to latent frames, as the counterpart of a decoder: one picture to one latent frame, or a whole video
 * in which pictures are some of the frames.
 */
export interface ImageEncoder {
  /**
   * Returns the runs that encode a video of so many frames, in order, each as large as memory should allow. Undefined
   * for an encoder of single pictures.
   */
  runs?(video: PictureExtent): readonly EncoderRun[];
  /**
   * Builds the graph of a run; of a single picture by default. Input `picture` [P, 3, height * scale, width * scale] in
   * -1..1, where P is the run's number of frames and scale is the decoder's; output `latent` [1, C, F, height, width],
   * as a transformer is given it. State is handed on as `ContinuedRun` says.
   */
  build(run: Partial<EncoderRun> & Omit<LatentExtent, "frames">, options: BuildOptions): Graph;
}

/** Number of frames of a video, and extent of its latent frames in latent units. */
export interface PictureExtent {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** A run of an encoder; it takes in frames of the video. */
export type EncoderRun = ContinuedRun;

/** Names of the inputs and outputs of every image encoder's graph. */
export const encoderNames = { picture: "picture", latent: "latent", ...stateNames } as const;

/** Encodes a picture to the states that a diffusion transformer attends to. */
export interface VisionEncoder {
  /** Pixels along one edge of the pictures that it takes. */
  readonly side: number;
  /** Number of states T of a picture. */
  readonly tokens: number;
  /** Width D of the states. */
  readonly width: number;
  /** Tensors of a checkpoint that the graph does not need. */
  readonly otherTensors: RegExp;
  /** Builds the graph. Input `pixels` [1, 3, side, side], normalised; output `states` [1, T, D]. */
  build(options: BuildOptions): Graph;
}

/** Names of the input and the output of every vision encoder's graph. */
export const visionNames = { pixels: "pixels", states: "states" } as const;
