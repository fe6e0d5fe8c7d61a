import type { ModelClass } from "./family.ts";
import type { ImageEncoder, VisionEncoder } from "./image-encoder.ts";
import { builderOf } from "./registry.ts";

/**
 * Returns the encoder of pictures that an autoencoder has.
 *
 * @throws Error for an unknown class or config
 */
export function imageEncoder(model: ModelClass): ImageEncoder {
  return builderOf("imageEncoders", "image encoder", model)(model.config);
}

/**
 * Returns the encoder of the pictures that a model attends to.
 *
 * @throws Error for an unknown class or config
 */
export function visionEncoder(model: ModelClass): VisionEncoder {
  return builderOf("visionEncoders", "image encoder", model)(model.config);
}
