import { nameOf } from "../../shared/sentences/index.ts";
import { RequestError } from "../request/index.ts";
import {
  autoencoderKLDecoder,
  autoencoderKLImageEncoder,
  parseAutoencoderKLConfig,
} from "./autoencoder-kl/autoencoder-kl.ts";
import { clipVisionEncoder, parseCLIPVisionConfig } from "./clip-vision.ts";
import { pictureNeeds } from "./conditions/condition.ts";
import type { DiffusionTransformer, VideoShape } from "./diffusion-transformer.ts";
import { families } from "./families.ts";
import type { Architectures, ModelClass } from "./family.ts";
import type { LatentDecoder } from "./latent-decoder.ts";
import { type LoraNaming, ownNaming } from "./lora-naming.ts";
import { parseT5Config, parseUMT5Config, t5Encoder, umt5Encoder } from "./t5.ts";
import type { TextEncoder } from "./text-encoder.ts";

const clipVision = (config: unknown) => clipVisionEncoder(parseCLIPVisionConfig(config));

/** Parts that several families share. */
const shared: Architectures = {
  textEncoders: {
    T5EncoderModel: (config) => t5Encoder(parseT5Config(config)),
    UMT5EncoderModel: (config) => umt5Encoder(parseUMT5Config(config)),
  },
  decoders: { AutoencoderKL: (config) => autoencoderKLDecoder(parseAutoencoderKLConfig(config)) },
  imageEncoders: { AutoencoderKL: (config) => autoencoderKLImageEncoder(parseAutoencoderKLConfig(config)) },
  visionEncoders: { CLIPVisionModel: clipVision, CLIPVisionModelWithProjection: clipVision },
};

const architectures = [shared, ...families.map((family) => family.architectures)];

/**
 * Returns the transformer of a model, for one shape of video.
 *
 * @throws Error for an unknown class or config, RangeError for a video that the model cannot make, RequestError for
 *   pictures that it cannot take
 */
export function diffusionTransformer(model: ModelClass, video: VideoShape): DiffusionTransformer {
  const transformer = builderOf("transformers", "transformer", model)(model.config, video, model);
  checkPictures(transformer, model, video);
  return transformer;
}

/** @throws RequestError if the transformer cannot take the pictures of the video; a video without any is not judged */
function checkPictures(
  { conditions }: DiffusionTransformer,
  { className }: ModelClass,
  { givenFrames = 0, hasLastPicture = false }: VideoShape,
): void {
  if (givenFrames === 0 && !hasLastPicture) return;
  const needs = pictureNeeds(conditions);
  if (!needs)
    throw new RequestError(`A ${className} cannot take a first frame: it generates all frames of a video.`);
  if (needs.counts.includes(hasLastPicture ? 2 : 1)) return;
  throw new RequestError(
    hasLastPicture
      ? `This ${className} cannot take a last picture: it goes on from a first one.`
      : `This ${className} goes from a first picture to a last one: give both.`,
  );
}

/**
 * Returns the text encoder of a model.
 *
 * @throws Error for an unknown class or config
 */
export function textEncoder(model: ModelClass): TextEncoder {
  return builderOf("textEncoders", "text encoder", model)(model.config);
}

/**
 * Returns the decoder of a model.
 *
 * @throws Error for an unknown class or config
 */
export function latentDecoder(model: ModelClass): LatentDecoder {
  return builderOf("decoders", "decoder", model)(model.config);
}

/** Returns the names that LoRA files use for the layers of a transformer. */
export function loraNaming({ className }: Pick<ModelClass, "className">): LoraNaming {
  const family = families.find(({ architectures }) =>
    Object.hasOwn(architectures.transformers ?? {}, className),
  );
  return family?.lora ?? ownNaming;
}

type BuilderOf<Kind extends keyof Architectures> = NonNullable<Architectures[Kind]>[string];

/**
 * Returns the builder of a part.
 *
 * @param role name of the part, for people
 * @throws Error for an unknown class
 */
export function builderOf<Kind extends keyof Architectures>(
  kind: Kind,
  role: string,
  { className }: ModelClass,
): BuilderOf<Kind> {
  const builders = new Map(architectures.flatMap((parts) => Object.entries(parts[kind] ?? {})));
  const builder = builders.get(className);
  if (builder) return builder as BuilderOf<Kind>;
  const known = [...builders.keys()].join(", ");
  throw new Error(`This model's ${role} is a ${nameOf(className)}, and Adareel can build only ${known}.`);
}
