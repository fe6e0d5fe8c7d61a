import type { ModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import type { TransformerWeights } from "../../../lib/generation/lora/index.ts";
import {
  type BenchmarkVideo,
  buildFull,
  buildReuse,
  type CutOptions,
  cutNames,
  type DiffusionTransformer,
  diffusionTransformer,
  generationFeeds,
  type LatentDecoder,
  type LatentShape,
  latentDecoder,
  stepFeeds,
  textEncoder,
  type VideoShape,
} from "../../../lib/generation/models/index.ts";
import type { Graph, Precision, Tensor } from "../../../lib/generation/onnx/index.ts";
import { graphWeights, withIntegers } from "../../../lib/generation/pipeline/model/opened-part.ts";
import { videoLimitsSchema } from "../../../lib/generation/request/index.ts";
import type { SessionName } from "../step/results.ts";
import { randomValues, volume } from "./random-values.ts";

/** Graph of a model for one video size, with its weights. */
export interface TimedPart {
  readonly weights: TransformerWeights;
  /** Builds the graph. Other weights may take the place of those. */
  readonly build: (mapping?: Mapping) => Graph;
  /** Returns random inputs. Texts have the model's maximum length, since shorter ones are padded and take as long. */
  readonly feeds: () => Record<string, Tensor>;
}

type Mapping = Pick<CutOptions, "mappedBytesMin" | "holdsCopies" | "precision"> & {
  readonly weights?: TransformerWeights;
};

export const TIMESTEP = 500;
export const GUIDANCE_SCALE = 7;

/** Signals of the default policy, which a timed step computes too. */
export const ADACACHE_SIGNALS = ["change", "motionScore"] as const;

/**
 * Opens a graph's weights and prepares its inputs. In `int8` they are those of the file beside the part's weights.
 *
 * @throws CheckpointError or Error that names the part that cannot be used
 */
export async function openPart(
  model: ModelFolder,
  name: SessionName,
  video: BenchmarkVideo,
  precision: Precision = "float32",
): Promise<TimedPart> {
  const vae = model.part("vae");
  const decoder = latentDecoder(vae);
  const shape = videoShape(decoder, video);
  const { latent } = shape;
  if (name === "decoder") {
    const weights = await vae.checkpoint();
    const run = { ...latent, ...decoder.runs(latent)[0]! };
    const feeds = () => ({ latent: randomTensor([run.frames, run.channels, run.height, run.width]) });
    return { weights, build: (mapping) => decoder.build(run, { weights, ...mapping }), feeds };
  }
  if (name === "text") {
    const encoder = textEncoder(model.part("text_encoder"));
    const { length } = diffusionTransformer(model.part("transformer"), shape).text;
    const weights = await weightsOf(model, "text_encoder", precision);
    const readsIntegers = precision === "int8";
    const ids = Array.from({ length }, (_, index) => index + 2);
    const feeds = () => encoder.feeds(ids, length);
    return {
      weights,
      build: (mapping) => encoder.build(length, { weights, readsIntegers, ...mapping }),
      feeds,
    };
  }
  const { dit, feeds } = await openTransformer(model, video);
  const weights = await weightsOf(model, "transformer", precision);
  return {
    weights,
    build: (mapping) => {
      const cut = { weights, precision, ...mapping };
      return name === "full" ? buildFull(dit, { ...cut, signals: ADACACHE_SIGNALS }) : buildReuse(dit, cut);
    },
    feeds,
  };
}

async function weightsOf(
  model: ModelFolder,
  name: "transformer" | "text_encoder",
  precision: Precision,
): Promise<TransformerWeights> {
  const part = { ...model.part(name), weights: await model.part(name).checkpoint() };
  return graphWeights(precision === "int8" ? await withIntegers(part) : part);
}

/**
 * Opens the weights of a model's transformer for one video size.
 *
 * @throws CheckpointError or Error that names the part that cannot be used
 */
export async function openTransformer(
  model: ModelFolder,
  video: BenchmarkVideo,
): Promise<Omit<TimedPart, "build"> & { readonly dit: DiffusionTransformer }> {
  const transformer = model.part("transformer");
  const dit = diffusionTransformer(transformer, videoShape(latentDecoder(model.part("vae")), video));
  const { width } = textEncoder(model.part("text_encoder"));
  const weights = await transformer.checkpoint();
  const learnt = weights.has(LEARNT_TEXT) ? await weights.read(LEARNT_TEXT) : undefined;
  const text = (seed: number) => learnt ?? randomValues(dit.text.length * width, seed);
  return { dit, weights, feeds: () => transformerFeeds(dit, text) };
}

/** Text of trained STDiT3s: on a random one their attention saturates, and rounding decides between keys. */
const LEARNT_TEXT = "y_embedder.y_embedding";

function transformerFeeds(
  dit: DiffusionTransformer,
  textOf: (seed: number) => Float32Array,
): Record<string, Tensor> {
  const { latent } = dit;
  const tokens = dit.text.length;
  const text = (seed: number) => ({ tokens, data: textOf(seed) });
  const trunk = randomTensor([2, dit.tokens, dit.width]);
  return {
    ...stepFeeds(dit.conditions, TIMESTEP),
    ...generationFeeds(dit.conditions, { texts: [text(2), text(3)] }),
    [cutNames.latent]: randomTensor([1, latent.channels, latent.frames, latent.height, latent.width]),
    [cutNames.guidanceScale]: { dtype: "float32", shape: [], data: Float32Array.of(GUIDANCE_SCALE) },
    [cutNames.previousProbe]: trunk,
    [cutNames.residual]: trunk,
  };
}

/** Returns the first video that a model lists. */
export function firstVideo({ index }: ModelFolder): BenchmarkVideo {
  const limits = videoLimitsSchema.parse(index.video);
  const [width, height] = limits.sizes[0]!;
  return { width, height, frames: limits.frames[0]!, fps: limits.fps[0]! };
}

export function videoShape(decoder: LatentDecoder, video: BenchmarkVideo): VideoShape {
  const { width, height, frames, fps } = video;
  return { latent: latentOf(decoder, video), frames, width, height, fps };
}

export function latentOf(decoder: LatentDecoder, { width, height, frames }: BenchmarkVideo): LatentShape {
  return {
    channels: decoder.channels,
    frames: decoder.latentFrames(frames),
    height: Math.floor(height / decoder.scale),
    width: Math.floor(width / decoder.scale),
  };
}

function randomTensor(shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data: randomValues(volume(shape), 1) };
}
