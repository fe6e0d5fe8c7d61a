import { nominalSize, type Recipe } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { RequestError, type ResolvedRequest } from "../request/index.ts";
import { coverCrop, type Picture, readPicture, signedPlanes, VideoError } from "../video/index.ts";

/** Pictures that a video is made from. */
export interface GivenPictures {
  readonly first: GivenPicture;
  /** Picture of the last frame; null if that is generated. */
  readonly last: GivenPicture | null;
}

export interface GivenPicture {
  /** Picture as it was given. */
  readonly whole: Picture;
  /** Pixels of its frame of the video [1, 3, H, W] in -1..1. */
  readonly pixels: Tensor;
}

type PictureRequest = Pick<ResolvedRequest, "image" | "lastImage" | "width" | "height">;
type PictureRecipe = Pick<Recipe, "nominal_size" | "picture_filter">;

/**
 * Reads the pictures that a video is made from; returns null if the request has none. For its frame a picture is fitted
 * to the nominal size that the transformer is given, and then cropped on the right and at the bottom to the size of the
 * decoded video.
 *
 * @throws RequestError if a picture cannot be read
 */
export async function readPictures(
  { image, lastImage, ...size }: PictureRequest,
  recipe: PictureRecipe,
): Promise<GivenPictures | null> {
  if (image === undefined) return null;
  const first = await readGiven(image, size, recipe);
  return { first, last: lastImage === undefined ? null : await readGiven(lastImage, size, recipe) };
}

async function readGiven(
  path: string,
  { width, height }: Pick<PictureRequest, "width" | "height">,
  recipe: PictureRecipe,
): Promise<GivenPicture> {
  const whole = await readPicture(path).catch((cause: Error) => {
    throw cause instanceof VideoError ? new RequestError(cause.message, { cause }) : cause;
  });
  const told = nominalSize(recipe, { width, height });
  const fitted = coverCrop(whole, told, { filter: recipe.picture_filter });
  const data = signedPlanes(fitted, { width, height });
  return { whole, pixels: { dtype: "float32", shape: [1, 3, height, width], data } };
}
