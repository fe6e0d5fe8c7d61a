import type { FilterName } from "./filters.ts";
import { type Picture, resizePicture, type Size } from "./resize.ts";

/**
 * Resizes a picture so that it covers a size, and crops it to its centre. The proportions are kept. A picture that has
 * the proportions of the size loses nothing, and equals one resized by PIL.
 *
 * @see Open-Sora v1.2 `resize_crop_to_fill`, for the sides and the offsets, which round halves to even
 */
export function coverCrop(
  picture: Picture,
  size: Size,
  { filter }: { readonly filter: FilterName },
): Picture {
  const scale = Math.max(size.height / picture.height, size.width / picture.width);
  const covering = {
    width: Math.max(size.width, halfToEven(picture.width * scale)),
    height: Math.max(size.height, halfToEven(picture.height * scale)),
  };
  const left = halfToEven((covering.width - size.width) / 2);
  const top = halfToEven((covering.height - size.height) / 2);
  return resizePicture(picture, covering, { filter, window: { left, top, ...size } });
}

/** Rounds halves to even, as Python does. */
function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
