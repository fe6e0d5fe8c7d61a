export { blockCheckNames, buildBlockCheck } from "./block-check.ts";
export type { BuildOptions, NamedWeights } from "./build-options.ts";
export { captionOf, withSuffix } from "./captions/style.ts";
export type { EncodedPictures, Feeds, TextStates } from "./conditions/condition.ts";
export { generationFeeds, givenFrames, pictureNeeds, stepFeeds } from "./conditions/condition.ts";
export type { TextCondition } from "./conditions/text.ts";
export type { ContinuedRun } from "./continued-run.ts";
export type { CutOptions } from "./cut.ts";
export { buildForecast, buildFull, buildReuse, buildUncut, cutNames, precisionOf } from "./cut.ts";
export type { DiffusionTransformer, LatentShape, VideoShape } from "./diffusion-transformer.ts";
export { families, familyOf, knownPipelines, nearestModelOf, publishedModels } from "./families.ts";
export type {
  Benchmark,
  BenchmarkVideo,
  Family,
  HubSource,
  ModelClass,
  PartSource,
  PublishedPart,
  WeightedPart,
} from "./family.ts";
export { type GuidanceBatch, guidanceBatch } from "./guidance-batch.ts";
export { encoderNames, type VisionEncoder, visionNames } from "./image-encoder.ts";
export { type DecoderRun, decoderNames, type LatentDecoder, type LatentExtent } from "./latent-decoder.ts";
export type { LoraNaming } from "./lora-naming.ts";
export { imageEncoder, visionEncoder } from "./picture-encoders.ts";
export { diffusionTransformer, latentDecoder, loraNaming, textEncoder } from "./registry.ts";
export { buildSegment, segmentFeeds, segmentNames } from "./segment.ts";
export { comparesProbes, type GraphSignalName, graphSignal, isGraphSignal } from "./signals.ts";
export { nominalSize, type Recipe, recipeSchema, type Sampling, samplingSchema } from "./video-member.ts";
