import { encoderNames, imageEncoder, type LatentShape, nominalSize, type Recipe } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { RequestError, type ResolvedRequest } from "../request/index.ts";
import { readPicture, VideoError } from "../video/index.ts";
import { checkFinite } from "./finite.ts";
import { type ModelParts, openGraph } from "./model/parts.ts";

/**
 * Reads the image that a video begins with, as [1, 3, H, W] in -1..1; returns null if the request has none. The image
 * is fitted to the nominal size that the transformer is given, and then cropped on the right and at the bottom to the
 * size of the decoded video.
 *
 * @throws RequestError if the image cannot be read
 */
export async function readFirstFrame(
  { image, width, height }: Pick<ResolvedRequest, "image" | "width" | "height">,
  recipe: Pick<Recipe, "nominal_size">,
): Promise<Tensor | null> {
  if (image === undefined) return null;
  const told = nominalSize(recipe, { width, height });
  const rgb = await readPicture(image, told).catch((cause: Error) => {
    throw cause instanceof VideoError ? new RequestError(cause.message, { cause }) : cause;
  });
  const planes = new Float32Array(3 * height * width);
  for (let i = 0; i < planes.length; i++) {
    const [channel, row] = [Math.floor(i / (height * width)), Math.floor(i / width) % height];
    planes[i] = rgb[(row * told.width + (i % width)) * 3 + channel]! / 127.5 - 1;
  }
  return { dtype: "float32", shape: [1, 3, height, width], data: planes };
}

/** Encodes an image and writes its latent over the first frame of `latent` [C, F, H, W]. */
export async function beginWith(
  picture: Tensor,
  latent: Float32Array,
  shape: LatentShape,
  { vae, options }: Pick<ModelParts, "vae" | "options">,
): Promise<void> {
  const graph = imageEncoder(vae).build(shape, { weights: vae.weights, ...options });
  const session = await openGraph(graph, vae.weights, options);
  try {
    const out = await session.run({ [encoderNames.picture]: picture });
    const first = out[encoderNames.latent]!.data as Float32Array; // [1, C, 1, H, W]
    checkFinite(first, { subject: "The image encoder" });
    const area = shape.height * shape.width;
    for (let c = 0; c < shape.channels; c++) {
      latent.set(first.subarray(c * area, (c + 1) * area), c * shape.frames * area);
    }
  } finally {
    await session.release();
  }
}
