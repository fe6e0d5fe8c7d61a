import type { Picture, Size } from "./resize.ts";

/** Level of each byte in -1..1, rounded as float32 arithmetic rounds it. */
const LEVELS = Float32Array.from({ length: 256 }, (_, byte) => Math.fround(byte / 255) * 2 - 1);

/**
 * Returns a picture as [3, H, W] in -1..1, which autoencoders take. A size smaller than the picture cuts it on the
 * right and at the bottom.
 *
 * @see diffusers `VaeImageProcessor.preprocess`
 */
export function signedPlanes(picture: Picture, size: Size = picture): Float32Array {
  return planesOf(picture, size, (byte) => LEVELS[byte]!);
}

/** Returns a picture as [3, H, W], each byte changed to the level of its channel (0 to 2). */
export function planesOf(
  picture: Picture,
  { width, height }: Size,
  level: (byte: number, channel: number) => number,
): Float32Array {
  const planes = new Float32Array(3 * height * width);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const from = row * picture.width * 3 + channel;
      for (let column = 0; column < width; column++) {
        planes[at++] = level(picture.rgb[from + column * 3]!, channel);
      }
    }
  }
  return planes;
}
