import type { Tensor } from "../../onnx/index.ts";

/** Tensors by the names of the graph inputs they are for. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** States of one text: `tokens` rows of the width of the text encoder. */
export interface TextStates {
  readonly tokens: number;
  readonly data: Float32Array;
}

/** Inputs of a generation to the conditions of a transformer. */
export interface Given {
  /** Texts of the rows of the batch: the prompt and, with guidance, the unconditional text after it. */
  readonly texts: readonly TextStates[];
  /** Pictures that the video is made from, encoded as `Condition.pictures` asks for them; absent if there are none. */
  readonly pictures?: EncodedPictures;
}

/** Encoded pictures of a generation. */
export interface EncodedPictures {
  /** [1, C, F, H, W]; F is 1 if the first picture alone was encoded. */
  readonly latent: Tensor;
  /** States of a vision encoder [pictures, tokens, width], the first picture first; null if no condition takes them. */
  readonly states: Tensor | null;
}

/** Way in which a transformer takes the pictures of a video. */
export interface PictureNeeds {
  /**
   * True if the autoencoder encodes a video of all frames, in which the value between the pictures is 0. Otherwise it
   * encodes the first picture alone.
   */
  readonly isWholeVideo: boolean;
  /** True if the states of a vision encoder are needed too. */
  readonly takesStates: boolean;
  /** Numbers of pictures that a video may have. */
  readonly counts: readonly number[];
}

/**
 * Input besides the latent that a transformer's prediction depends on. A condition declares graph inputs when its
 * transformer asks for them, and makes the feeds of those inputs.
 */
export interface Condition {
  /** Returns the feeds that stay the same for a whole generation. */
  generationFeeds?(given: Given): Feeds;
  /** Returns the feeds of one denoising step; `timestep` is on the scale 0..1000. */
  stepFeeds?(timestep: number): Feeds;
  /**
   * Number of frames at the beginning of the latent that exist before denoising and stay as they are. Undefined for a
   * condition that gives no frames.
   */
  readonly givenFrames?: number;
  /** Way of taking pictures that are no frames of the latent. Undefined for a condition that takes none. */
  readonly pictures?: PictureNeeds;
}

/** Returns the feeds of all conditions that stay the same for a whole generation. */
export function generationFeeds(conditions: readonly Condition[], given: Given): Feeds {
  return Object.assign({}, ...conditions.map((condition) => condition.generationFeeds?.(given)));
}

/** Returns the feeds of all conditions for one denoising step; `timestep` is on the scale 0..1000. */
export function stepFeeds(conditions: readonly Condition[], timestep: number): Feeds {
  return Object.assign({}, ...conditions.map((condition) => condition.stepFeeds?.(timestep)));
}

/** Returns the number of latent frames that the conditions give; undefined if none of them can give any. */
export function givenFrames(conditions: readonly Condition[]): number | undefined {
  return conditions.find((condition) => condition.givenFrames !== undefined)?.givenFrames;
}

/** Returns how the conditions take the pictures of a video; undefined if they take none. */
export function pictureNeeds(conditions: readonly Condition[]): PictureNeeds | undefined {
  const asked = conditions.find(({ pictures }) => pictures !== undefined)?.pictures;
  const keepsFrames = givenFrames(conditions) !== undefined;
  return asked ?? (keepsFrames ? { isWholeVideo: false, takesStates: false, counts: [0, 1] } : undefined);
}
