import {
  type BuildOptions,
  type ContinuedRun,
  type DiffusionTransformer,
  type EncodedPictures,
  encoderNames,
  imageEncoder,
  type LatentExtent,
  type LatentShape,
  type ModelClass,
  type NamedWeights,
  pictureNeeds,
  visionNames,
} from "../models/index.ts";
import type { Graph, Tensor } from "../onnx/index.ts";
import { clipPixels } from "../video/index.ts";
import { continuedOutputs, openRuns, type RunPlace, runGraphs } from "./continued-runs.ts";
import { pauseUnlessCancelled } from "./denoise.ts";
import { checkFinite } from "./finite.ts";
import type { GivenPictures } from "./given-pictures.ts";
import { type ModelParts, openGraph } from "./model/parts.ts";
import type { Vision } from "./model/vision.ts";

/** Parts of a model that encode pictures. */
type EncodingParts = Pick<ModelParts, "vae" | "vision" | "options">;

/**
 * Encodes pictures as the transformer takes them. Sessions are released afterwards.
 *
 * @throws CancelledError between two runs once `signal` is aborted, GenerationError for numbers that are not finite
 */
export async function encodePictures(
  pictures: GivenPictures,
  { conditions }: Pick<DiffusionTransformer, "conditions">,
  video: { readonly frames: number; readonly latent: LatentShape },
  { model, signal }: { model: EncodingParts; signal?: AbortSignal },
): Promise<EncodedPictures> {
  const needs = pictureNeeds(conditions);
  const frames = needs?.isWholeVideo ? video.frames : 1;
  const states = needs?.takesStates ? await encodeStates(pictures, model, signal) : null;
  return { latent: await encodeVideo(pictures, { ...video, frames }, model, signal), states };
}

/** Part that encodes frames, and the options of its graphs. */
interface FrameEncoding {
  readonly vae: ModelClass & { readonly weights: NamedWeights };
  readonly options: Omit<BuildOptions, "weights">;
}

interface EncodedFrames {
  readonly frames: number;
  readonly latent: Omit<LatentExtent, "frames">;
}

/** Returns the runs that encode frames, and what builds the graph of a run. */
function frameRuns({ frames, latent: { height, width } }: EncodedFrames, { vae, options }: FrameEncoding) {
  const encoder = imageEncoder(vae);
  const runs = encoder.runs?.({ frames, height, width }) ?? [{ frames }];
  const build = (run: ContinuedRun) =>
    encoder.build({ ...run, height, width }, { weights: vae.weights, ...options });
  return { runs, build };
}

/** Returns the graphs of the sessions that encode the frames of a video whose pictures a transformer takes. */
export function frameGraphs(
  { conditions }: Pick<DiffusionTransformer, "conditions">,
  video: EncodedFrames,
  encoding: FrameEncoding,
): Graph[] {
  const frames = pictureNeeds(conditions)?.isWholeVideo ? video.frames : 1;
  const { runs, build } = frameRuns({ ...video, frames }, encoding);
  return [...runGraphs(runs, build).values()];
}

/**
 * Encodes the first picture alone, or a video of so many frames whose values are 0 between the pictures. Returns [1, C,
 * F, H, W].
 */
async function encodeVideo(
  pictures: GivenPictures,
  video: EncodedFrames,
  model: EncodingParts,
  signal?: AbortSignal,
): Promise<Tensor> {
  const { vae, options } = model;
  const { runs, build } = frameRuns(video, model);
  const opened = await openRuns(runs, build, (graph, kept) => openGraph(graph, vae.weights, options, kept));
  const parts: Tensor[] = [];
  try {
    const feeds = (place: RunPlace) => ({
      [encoderNames.picture]: framesOf(pictures, place, video.frames),
    });
    for await (const out of continuedOutputs(opened.runs, feeds, signal))
      parts.push(finite(out[encoderNames.latent]!));
  } finally {
    await opened.release();
  }
  return joinedFrames(parts);
}

/** Returns the states of each picture [pictures, T, D] that the vision encoder makes of it. */
async function encodeStates(
  { first, last }: GivenPictures,
  { vision, options }: EncodingParts,
  signal?: AbortSignal,
): Promise<Tensor> {
  if (!vision)
    throw new Error("This model's transformer attends to pictures, and the model has no image_encoder.");
  const { encoder, part, preprocessing }: Vision = vision;
  const graph = encoder.build({ weights: part.weights, ...options });
  part.weights.checkAllUsed(encoder.otherTensors);
  const session = await openGraph(graph, part.weights, options);
  const states: Float32Array[] = [];
  try {
    for (const { whole } of last ? [first, last] : [first]) {
      await pauseUnlessCancelled(signal);
      const data = clipPixels(whole, preprocessing);
      const shape = [1, 3, encoder.side, encoder.side];
      const out = await session.run({ [visionNames.pixels]: { dtype: "float32", shape, data } });
      states.push(out[visionNames.states]!.data as Float32Array);
      checkFinite(states.at(-1)!, { subject: "The image encoder" });
    }
  } finally {
    await session.release();
  }
  const data = Float32Array.from(states.flatMap((each) => [...each]));
  return { dtype: "float32", shape: [states.length, encoder.tokens, encoder.width], data };
}

function finite(latent: Tensor): Tensor {
  checkFinite(latent.data as Float32Array, { subject: "The image encoder" });
  return latent;
}

/** Returns some frames [P, 3, H, W] of a video that begins and ends with pictures. */
function framesOf({ first, last }: GivenPictures, place: RunPlace, frames: number): Tensor {
  const { shape, data: pixels } = first.pixels;
  const data = new Float32Array(place.frames * pixels.length);
  if (place.first === 0) data.set(pixels as Float32Array);
  if (last && place.first + place.frames === frames)
    data.set(last.pixels.data as Float32Array, data.length - pixels.length);
  return { dtype: "float32", shape: [place.frames, ...shape.slice(1)], data };
}

/** Joins latents [1, C, F, H, W] along their frames. */
function joinedFrames(parts: readonly Tensor[]): Tensor {
  const [, channels, , height, width] = parts[0]!.shape as [number, number, number, number, number];
  const frames = parts.reduce((sum, { shape }) => sum + shape[2]!, 0);
  const area = height * width;
  const data = new Float32Array(channels * frames * area);
  let before = 0;
  for (const { data: part, shape } of parts) {
    const size = shape[2]! * area;
    for (let c = 0; c < channels; c++) {
      data.set((part as Float32Array).subarray(c * size, (c + 1) * size), (c * frames + before) * area);
    }
    before += shape[2]!;
  }
  return { dtype: "float32", shape: [1, channels, frames, height, width], data };
}

/** Writes the latent of the first picture [1, C, 1, H, W] over the first frame of a latent [C, F, H, W]. */
export function beginWith(first: Tensor, latent: Float32Array, shape: LatentShape): void {
  const area = shape.height * shape.width;
  const data = first.data as Float32Array;
  for (let c = 0; c < shape.channels; c++) {
    latent.set(data.subarray(c * area, (c + 1) * area), c * shape.frames * area);
  }
}
