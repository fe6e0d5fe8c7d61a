import type { ModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  type Benchmark,
  type BenchmarkVideo,
  type PublishedPart,
  publishedModels,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";
import { firstVideo } from "./part.ts";

/** Timed models: one of every family, with its published configurations. */

export interface TimedModel extends Benchmark {
  readonly name: string;
  /** Default video shape of the model. */
  readonly video: BenchmarkVideo;
  /** Number of blocks, or pairs of blocks, of the timed transformer. */
  readonly timedBlocks: number;
}

/** Number of blocks, or pairs of blocks, of a shortened transformer. */
const TIMED_BLOCKS = 2;

export const timedModels: readonly TimedModel[] = publishedModels.flatMap(({ title, video, benchmark }) => {
  const [width, height] = video.sizes[0]!;
  const ofDefault = { width, height, frames: video.frames[0]!, fps: video.fps[0]! };
  return benchmark ? { name: title, video: ofDefault, timedBlocks: TIMED_BLOCKS, ...benchmark } : [];
});

/** Returns the model with few blocks and one text encoder layer, all at their published size. */
export function shortened({ parts, depth, timedBlocks }: TimedModel): Record<WeightedPart, PublishedPart> {
  const { transformer, text_encoder, vae } = parts;
  return {
    transformer: withConfig(transformer, { [depth]: timedBlocks }),
    // A text reads one row of the embeddings per token, so the vocabulary's size does not affect the time.
    text_encoder: withConfig(text_encoder, { num_layers: 1, vocab_size: 1024 }),
    vae,
  };
}

/** Returns the number of blocks, or pairs of blocks, of the published transformer. */
export function publishedDepth({ parts, depth }: TimedModel): number {
  return Number(parts.transformer.config[depth]);
}

/** Returns the embedded model as a timed one, with all its blocks. */
export function wholeModel(name: string, model: ModelFolder): TimedModel {
  const video = firstVideo(model);
  const part = (of: WeightedPart): PublishedPart => ({
    className: model.part(of).className,
    config: model.part(of).config as PublishedPart["config"],
  });
  const parts = { transformer: part("transformer"), text_encoder: part("text_encoder"), vae: part("vae") };
  const videos = { video, stepVideo: video, decodedVideo: video, measuredVideo: video };
  const depth = "depth";
  return {
    name,
    parts,
    depth,
    timedBlocks: Number(parts.transformer.config[depth]),
    timesText: false,
    ...videos,
  };
}

function withConfig(part: PublishedPart, changed: PublishedPart["config"]): PublishedPart {
  return { ...part, config: { ...part.config, ...changed } };
}
