import { type Frames, frameAt } from "./frames.ts";
import type { Size } from "./picture/resize.ts";

/** Luma weights of red and blue (ITU-R BT.709-6, item 3.2); green is the rest. */
const KR = 0.2126;
const KB = 0.0722;
const KG = 1 - KR - KB;

/** Eight-bit limited range (BT.709-6, item 3.4): Y' 16..235, C'b and C'r 16..240 around 128. */
const LUMA = 219 / 255;
const CB = 224 / 255 / (2 * (1 - KB));
const CR = 224 / 255 / (2 * (1 - KR));

/**
 * Returns the size of the planes. 4:2:0 needs even sides, so an odd side grows by a copy of its last row or
 * column.
 */
export function evenSize({ width, height }: Size): Size {
  return { width: width + (width % 2), height: height + (height % 2) };
}

/**
 * Converts one frame to planar Y'CbCr 4:2:0, BT.709, limited range.
 *
 * Both H.264 encoders are given these planes instead of RGB: their own converters differ between versions and
 * processors in the last bit, and the bytes of a video must depend on its frames only. Chroma is sited as
 * H.264 assumes by default (left, vertically between the rows): taps 1 2 1 across, 1 1 down.
 *
 * @returns Y [H, W], Cb [H/2, W/2], Cr [H/2, W/2] in one array, with the sides of `evenSize`
 */
export function toI420(frames: Frames, frame: number): Uint8Array {
  const rgb = frameAt(frames, frame);
  const { width, height } = evenSize(frames);
  const lastX = frames.width - 1;
  const lastY = frames.height - 1;
  const planes = new Uint8Array((width * height * 3) / 2);

  for (let y = 0; y < height; y++) {
    const row = Math.min(y, lastY) * frames.width;
    for (let x = 0; x < width; x++) {
      const at = (row + Math.min(x, lastX)) * 3;
      const luma = KR * rgb[at]! + KG * rgb[at + 1]! + KB * rgb[at + 2]!;
      planes[y * width + x] = 16.5 + LUMA * luma;
    }
  }

  const cb = width * height;
  const cr = cb + (width * height) / 4;
  for (let y = 0; y < height; y += 2) {
    const top = y * frames.width;
    const bottom = Math.min(y + 1, lastY) * frames.width;
    for (let x = 0; x < width; x += 2) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, lastX);
      const tap = (channel: number) =>
        (rgb[(top + left) * 3 + channel]! +
          rgb[(bottom + left) * 3 + channel]! +
          2 * (rgb[(top + x) * 3 + channel]! + rgb[(bottom + x) * 3 + channel]!) +
          rgb[(top + right) * 3 + channel]! +
          rgb[(bottom + right) * 3 + channel]!) /
        8;
      const red = tap(0);
      const blue = tap(2);
      const luma = KR * red + KG * tap(1) + KB * blue;
      const at = (y / 2) * (width / 2) + x / 2;
      planes[cb + at] = 128.5 + CB * (blue - luma);
      planes[cr + at] = 128.5 + CR * (red - luma);
    }
  }
  return planes;
}
