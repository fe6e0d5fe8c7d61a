export { autoencoderKLDecoder, parseAutoencoderKLConfig } from "./autoencoder-kl.ts";
export { autoencoderKLWanDecoder, parseAutoencoderKLWanConfig } from "./autoencoder-kl-wan.ts";
export type { BuildOptions, NamedWeights } from "./build-options.ts";
export { buildFull, buildReuse, buildUncut, type CutOptions, cutNames, precisionOf } from "./cut.ts";
export type {
  BlockOutput,
  Conditioning,
  DiffusionTransformer,
  LatentShape,
  ReadableWeights,
  TextStates,
  VideoShape,
} from "./diffusion-transformer.ts";
export { encoderNames, type ImageEncoder } from "./image-encoder.ts";
export { type DecoderRun, decoderNames, type LatentDecoder, type LatentExtent } from "./latent-decoder.ts";
export {
  diffusionTransformer,
  imageEncoder,
  latentDecoder,
  type ModelClass,
  textEncoder,
} from "./registry.ts";
export { comparesProbes, type GraphSignalName, graphSignal, isGraphSignal } from "./signals.ts";
export { parseSTDiT3Config, type STDiT3Config, stdit3 } from "./stdit3.ts";
export { parseT5Config, parseUMT5Config, type T5Config, t5Encoder, umt5Encoder } from "./t5.ts";
export type { TextEncoder } from "./text-encoder.ts";
export { parseWanConfig, type WanConfig, wan } from "./wan.ts";
