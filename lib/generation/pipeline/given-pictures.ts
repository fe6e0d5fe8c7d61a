import {
  type BuildOptions,
  type ContinuedRun,
  type DiffusionTransformer,
  type EncodedPictures,
  encoderNames,
  imageEncoder,
  type LatentShape,
  type ModelClass,
  type NamedWeights,
  nominalSize,
  pictureNeeds,
  type Recipe,
} from "../models/index.ts";
import type { Graph, Tensor } from "../onnx/index.ts";
import { RequestError, type ResolvedRequest } from "../request/index.ts";
import { coverCrop, readPicture, signedPlanes, VideoError } from "../video/index.ts";
import { continuedOutputs, openRuns, type RunPlace, runGraphs } from "./continued-runs.ts";
import { checkFinite } from "./finite.ts";
import { type ModelParts, openGraph } from "./model/parts.ts";

/** Pictures that a video is made from, as pixels [1, 3, H, W] in -1..1. */
export interface GivenPictures {
  readonly first: Tensor;
  /** Picture of the last frame; null if that is generated. */
  readonly last: Tensor | null;
}

type PictureRequest = Pick<ResolvedRequest, "image" | "lastImage" | "width" | "height">;

/**
 * Reads the pictures that a video is made from; returns null if the request has none. A picture is fitted to the
 * nominal size that the transformer is given, and then cropped on the right and at the bottom to the size of the
 * decoded video.
 *
 * @throws RequestError if a picture cannot be read
 */
export async function readPictures(
  { image, lastImage, width, height }: PictureRequest,
  recipe: Pick<Recipe, "nominal_size">,
): Promise<GivenPictures | null> {
  if (image === undefined) return null;
  const pixels = (path: string) => readPixels(path, { width, height }, recipe);
  return { first: await pixels(image), last: lastImage === undefined ? null : await pixels(lastImage) };
}

async function readPixels(
  path: string,
  { width, height }: Pick<PictureRequest, "width" | "height">,
  recipe: Pick<Recipe, "nominal_size">,
): Promise<Tensor> {
  const told = nominalSize(recipe, { width, height });
  const picture = await readPicture(path).catch((cause: Error) => {
    throw cause instanceof VideoError ? new RequestError(cause.message, { cause }) : cause;
  });
  const fitted = coverCrop(picture, told, { filter: "bicubic" });
  const planes = signedPlanes(fitted, { width, height });
  return { dtype: "float32", shape: [1, 3, height, width], data: planes };
}

type EncodedVideo = { readonly frames: number; readonly latent: LatentShape };
type Conditioned = Pick<DiffusionTransformer, "conditions">;

/** Part that encodes pictures, and the options of its graphs. */
interface Encoding {
  readonly vae: ModelClass & { readonly weights: NamedWeights };
  readonly options: Omit<BuildOptions, "weights">;
}

/** Runs of the image encoder of a video, and what builds the graph of each. */
function encoderRuns({ conditions }: Conditioned, video: EncodedVideo, { vae, options }: Encoding) {
  const frames = pictureNeeds(conditions)?.isWholeVideo ? video.frames : 1;
  const { height, width } = video.latent;
  const encoder = imageEncoder(vae);
  const runs = encoder.runs?.({ frames, height, width }) ?? [{ frames }];
  const build = (run: ContinuedRun) =>
    encoder.build({ ...run, height, width }, { weights: vae.weights, ...options });
  return { frames, runs, build };
}

/** Returns the graphs of the sessions that `encodePictures` opens. */
export function pictureGraphs(transformer: Conditioned, video: EncodedVideo, encoding: Encoding): Graph[] {
  const { runs, build } = encoderRuns(transformer, video, encoding);
  return [...runGraphs(runs, build).values()];
}

/**
 * Encodes pictures as the transformer takes them: the first picture alone, or a video of all frames whose values are 0
 * between the pictures. The sessions of the encoder are released afterwards.
 *
 * @throws CancelledError between two runs once `signal` is aborted
 */
export async function encodePictures(
  pictures: GivenPictures,
  transformer: Conditioned,
  video: EncodedVideo,
  { model, signal }: { model: Pick<ModelParts, "vae" | "options">; signal?: AbortSignal },
): Promise<EncodedPictures> {
  const { vae, options } = model;
  const { frames, runs, build } = encoderRuns(transformer, video, model);
  const opened = await openRuns(runs, build, (graph) => openGraph(graph, vae.weights, options));
  const parts: Tensor[] = [];
  try {
    const feeds = (place: RunPlace) => ({ [encoderNames.picture]: framesOf(pictures, place, frames) });
    for await (const out of continuedOutputs(opened.runs, feeds, signal))
      parts.push(finite(out[encoderNames.latent]!));
  } finally {
    await opened.release();
  }
  return { latent: joinedFrames(parts), states: null };
}

function finite(latent: Tensor): Tensor {
  checkFinite(latent.data as Float32Array, { subject: "The image encoder" });
  return latent;
}

/** Returns some frames [P, 3, H, W] of a video that begins and ends with pictures. */
function framesOf({ first, last }: GivenPictures, place: RunPlace, frames: number): Tensor {
  const size = first.data.length;
  const data = new Float32Array(place.frames * size);
  if (place.first === 0) data.set(first.data as Float32Array);
  if (last && place.first + place.frames === frames) data.set(last.data as Float32Array, data.length - size);
  return { dtype: "float32", shape: [place.frames, ...first.shape.slice(1)], data };
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
