import {
  type Benchmark,
  type BenchmarkVideo,
  type PublishedPart,
  publishedModels,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";

/** Timed models: one of every family, with its published configurations. */

export interface TimedModel extends Benchmark {
  readonly name: string;
  /** Default video shape of the model. */
  readonly video: BenchmarkVideo;
}

export const timedModels: readonly TimedModel[] = publishedModels.flatMap(({ title, video, benchmark }) => {
  const [width, height] = video.sizes[0]!;
  const ofDefault = { width, height, frames: video.frames[0]!, fps: video.fps[0]! };
  return benchmark ? { name: title, video: ofDefault, ...benchmark } : [];
});

/** Number of blocks, or pairs of blocks, of a timed transformer. */
export const TIMED_BLOCKS = 2;

/** Returns the model with few blocks and one text encoder layer, all at their published size. */
export function shortened({ parts, depth }: TimedModel): Record<WeightedPart, PublishedPart> {
  const { transformer, text_encoder, vae } = parts;
  return {
    transformer: withConfig(transformer, { [depth]: TIMED_BLOCKS }),
    // A text reads one row of the embeddings per token, so the vocabulary's size does not affect the time.
    text_encoder: withConfig(text_encoder, { num_layers: 1, vocab_size: 1024 }),
    vae,
  };
}

/** Returns the number of blocks, or pairs of blocks, of the published transformer. */
export function publishedDepth({ parts, depth }: TimedModel): number {
  return Number(parts.transformer.config[depth]);
}

function withConfig(part: PublishedPart, changed: PublishedPart["config"]): PublishedPart {
  return { ...part, config: { ...part.config, ...changed } };
}
