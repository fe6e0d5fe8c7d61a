import type { Graph, Tensor, Value } from "../../onnx/index.ts";
import type { LatentShape } from "../diffusion-transformer.ts";
import type { Condition, EncodedPictures, Feeds, Given } from "./condition.ts";

export interface PictureConditionOptions {
  /** Shape of the latent that is denoised. */
  readonly latent: LatentShape;
  /** Frames of the video that each latent frame after the first stands for; the mask has a channel for each. */
  readonly rate: number;
  readonly hasLastPicture: boolean;
  /** Numbers of pictures that the model's videos may have. */
  readonly counts: readonly number[];
  /** States of a vision encoder that the transformer attends to; null if it attends to none. */
  readonly states: PictureStates | null;
}

/** Extent of the states of pictures. */
export interface PictureStates {
  readonly pictures: number;
  /** Rows of each picture. */
  readonly tokens: number;
  readonly width: number;
}

/**
 * Condition of the pictures that a video begins and ends with, as further channels of the latent: a mask, which is 1
 * for the frames of the video that are given, and the latent of a video that is 0 between the pictures.
 */
export interface PictureCondition extends Condition {
  /** Declares the graph input `pictures` [1, rate + C, F, H, W]. */
  input(graph: Graph): Value;
  /** Declares the graph input `pictureStates` [1, pictures * tokens, width]; only for a condition with states. */
  statesInput(graph: Graph): Value;
  /**
   * Returns the feeds of the pictures.
   *
   * @throws RangeError if pictures or their states are missing, or have another extent
   */
  generationFeeds(given: Given): Feeds;
}

/** @throws RangeError if a single frame would have to be both pictures */
export function pictureCondition(options: PictureConditionOptions): PictureCondition {
  const { latent, rate, counts, states } = options;
  const { channels, frames, height, width } = latent;
  if (options.hasLastPicture && frames === 1)
    throw new RangeError("A video of one frame cannot begin with one picture and end with another.");
  const shape = [1, rate + channels, frames, height, width];
  return {
    pictures: { isWholeVideo: true, takesStates: states !== null, counts },
    input: (graph) => graph.input("pictures", "float32", shape),
    statesInput: (graph) => graph.input("pictureStates", "float32", statesShape(states!)),
    generationFeeds({ pictures }) {
      if (!pictures) throw new RangeError("This model makes videos of pictures, and none is given.");
      const data = maskAndLatent(options, pictures);
      const fed = { pictures: { dtype: "float32", shape, data } } as const;
      return states ? { ...fed, pictureStates: checkedStates(states, pictures) } : fed;
    },
  };
}

function statesShape({ pictures, tokens, width }: PictureStates): number[] {
  return [1, pictures * tokens, width];
}

/** Returns the mask and the encoded video, one after the other. */
function maskAndLatent(
  { latent, rate, hasLastPicture }: PictureConditionOptions,
  pictures: EncodedPictures,
): Float32Array {
  const { channels, frames, height, width } = latent;
  const expected = [1, channels, frames, height, width];
  checkExtent("Pictures", pictures.latent, expected);
  const area = height * width;
  const data = new Float32Array((rate + channels) * frames * area);
  for (let channel = 0; channel < rate; channel++) {
    const start = channel * frames * area;
    data.fill(1, start, start + area); // the first latent frame stands for the first picture alone
    // The last picture is the last of the frames that the last latent frame stands for.
    if (hasLastPicture && channel === rate - 1)
      data.fill(1, start + (frames - 1) * area, start + frames * area);
  }
  data.set(pictures.latent.data as Float32Array, rate * frames * area);
  return data;
}

function checkedStates(states: PictureStates, pictures: EncodedPictures): Tensor {
  if (!pictures.states) throw new RangeError("This model attends to pictures, and their states are missing.");
  checkExtent("States of pictures", pictures.states, [states.pictures, states.tokens, states.width]);
  return { ...pictures.states, shape: statesShape(states) };
}

function checkExtent(what: string, { shape }: Tensor, expected: readonly number[]): void {
  if (shape.join() === expected.join()) return;
  throw new RangeError(`${what} must have the extent ${expected.join(" x ")}, not ${shape.join(" x ")}.`);
}
