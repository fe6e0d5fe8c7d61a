import {
  type Benchmark,
  type BenchmarkVideo,
  type PublishedPart,
  publishedModels,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";

/** The published models that are timed: of every family one, with the configurations that were published. */

export interface TimedModel extends Benchmark {
  readonly name: string;
  /** The model's default. */
  readonly video: BenchmarkVideo;
}

export const timedModels: readonly TimedModel[] = publishedModels.flatMap(({ title, video, benchmark }) => {
  const [width, height] = video.sizes[0]!;
  const ofDefault = { width, height, frames: video.frames[0]!, fps: video.fps[0]! };
  return benchmark ? { name: title, video: ofDefault, ...benchmark } : [];
});

/** Blocks, or pairs of them, of a transformer that is timed. */
export const TIMED_BLOCKS = 2;

/** The model with few blocks and one layer of its text encoder, every layer as large as it was published. */
export function shortened({ parts, depth }: TimedModel): Record<WeightedPart, PublishedPart> {
  const { transformer, text_encoder, vae } = parts;
  return {
    transformer: withConfig(transformer, { [depth]: TIMED_BLOCKS }),
    // A text reads as many rows of the embeddings as it has tokens, so a small vocabulary takes as long.
    text_encoder: withConfig(text_encoder, { num_layers: 1, vocab_size: 1024 }),
    vae,
  };
}

/** Blocks, or pairs of them, of the published transformer. */
export function publishedDepth({ parts, depth }: TimedModel): number {
  return Number(parts.transformer.config[depth]);
}

function withConfig(part: PublishedPart, changed: PublishedPart["config"]): PublishedPart {
  return { ...part, config: { ...part.config, ...changed } };
}
