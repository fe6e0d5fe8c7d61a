import {
  autoencoderKLDecoder,
  autoencoderKLImageEncoder,
  parseAutoencoderKLConfig,
} from "./autoencoder-kl.ts";
import {
  autoencoderKLTemporalDecoder,
  parseAutoencoderKLTemporalDecoderConfig,
} from "./autoencoder-kl-temporal-decoder.ts";
import { autoencoderKLWanDecoder, parseAutoencoderKLWanConfig } from "./autoencoder-kl-wan.ts";
import { givenFrames } from "./conditions/condition.ts";
import type { DiffusionTransformer, VideoShape } from "./diffusion-transformer.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { LatentDecoder } from "./latent-decoder.ts";
import { latte, parseLatteConfig } from "./latte.ts";
import { openSoraPlan, parseOpenSoraPlanConfig } from "./open-sora-plan.ts";
import { causalVAEDecoder, parseCausalVAEConfig } from "./open-sora-plan-vae.ts";
import { openSoraVAEDecoder, parseOpenSoraVAEConfig } from "./open-sora-vae.ts";
import { openSoraImageEncoder } from "./open-sora-vae-encoder.ts";
import { parseSTDiT3Config, stdit3 } from "./stdit3.ts";
import { parseT5Config, parseUMT5Config, t5Encoder, umt5Encoder } from "./t5.ts";
import type { TextEncoder } from "./text-encoder.ts";
import { parseWanConfig, wan } from "./wan.ts";

/** A part of a model folder, as far as it says what to build. */
export interface ModelClass {
  readonly className: string;
  readonly config: unknown;
}

type Builders<R, A extends unknown[] = []> = Readonly<Record<string, (config: unknown, ...args: A) => R>>;

const diffusionTransformers: Builders<DiffusionTransformer, [VideoShape]> = {
  STDiT3: (config, video) => stdit3(parseSTDiT3Config(config), video),
  LatteTransformer3DModel: (config, video) => latte(parseLatteConfig(config), video),
  LatteT2V: (config, video) => openSoraPlan(parseOpenSoraPlanConfig(config), video),
  WanTransformer3DModel: (config, video) => wan(parseWanConfig(config), video),
};

const textEncoders: Builders<TextEncoder> = {
  T5EncoderModel: (config) => t5Encoder(parseT5Config(config)),
  UMT5EncoderModel: (config) => umt5Encoder(parseUMT5Config(config)),
};

const openSoraVAE = (config: unknown) => openSoraVAEDecoder(parseOpenSoraVAEConfig(config));

const latentDecoders: Builders<LatentDecoder> = {
  AutoencoderKL: (config) => autoencoderKLDecoder(parseAutoencoderKLConfig(config)),
  AutoencoderKLTemporalDecoder: (config) =>
    autoencoderKLTemporalDecoder(parseAutoencoderKLTemporalDecoderConfig(config)),
  AutoencoderKLWan: (config) => autoencoderKLWanDecoder(parseAutoencoderKLWanConfig(config)),
  OpenSoraVAE_V1_2: openSoraVAE,
  CausalVAEModel: (config) => causalVAEDecoder(parseCausalVAEConfig(config)),
  // What the published checkpoint calls itself.
  VideoAutoencoderPipeline: openSoraVAE,
};

const openSoraEncoder = (config: unknown) => openSoraImageEncoder(parseOpenSoraVAEConfig(config));

const imageEncoders: Builders<ImageEncoder> = {
  AutoencoderKL: (config) => autoencoderKLImageEncoder(parseAutoencoderKLConfig(config)),
  OpenSoraVAE_V1_2: openSoraEncoder,
  VideoAutoencoderPipeline: openSoraEncoder,
};

/** @throws Error for an unknown class or config, RangeError for a video the model cannot make */
export function diffusionTransformer(
  { className, config }: ModelClass,
  video: VideoShape,
): DiffusionTransformer {
  const transformer = choose(diffusionTransformers, className, "transformer")(config, video);
  if (video.givenFrames && givenFrames(transformer.conditions) === undefined)
    throw new RangeError(`A ${className} makes all frames of a video: none can be given.`);
  return transformer;
}

/** @throws Error for an unknown class or config */
export function textEncoder({ className, config }: ModelClass): TextEncoder {
  return choose(textEncoders, className, "text encoder")(config);
}

/** @throws Error for an unknown class or config */
export function latentDecoder({ className, config }: ModelClass): LatentDecoder {
  return choose(latentDecoders, className, "decoder")(config);
}

/** @throws Error for an unknown class or config */
export function imageEncoder({ className, config }: ModelClass): ImageEncoder {
  return choose(imageEncoders, className, "image encoder")(config);
}

function choose<R, A extends unknown[]>(builders: Builders<R, A>, className: string, role: string) {
  const builder = Object.hasOwn(builders, className) ? builders[className] : undefined;
  if (builder) return builder;
  const known = Object.keys(builders).join(", ");
  throw new Error(`This model's ${role} is a ${className}, and Adareel can build only ${known}.`);
}
