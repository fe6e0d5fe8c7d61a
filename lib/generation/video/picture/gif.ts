import type { Size } from "./resize.ts";

/** First frame of a GIF: its place on the canvas, and the colour of what is transparent or beside it. */
interface FirstFrame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly ground: Uint8Array;
}

/**
 * Gives the transparent pixels of a GIF's first frame, and those beside it, the colour that the palette has for them,
 * as PIL does. Decoders make them black.
 *
 * @param rgba Pixels of the first frame as [H, W, 4]
 */
export function withPaletteColours(gif: Uint8Array, { width, height }: Size, rgba: Uint8Array): Uint8Array {
  const frame = firstFrameOf(Buffer.from(gif.buffer, gif.byteOffset, gif.byteLength));
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isInside = frame && x >= frame.left && x < frame.right && y >= frame.top && y < frame.bottom;
    const isDrawn = !frame || (isInside && rgba[i * 4 + 3] !== 0);
    rgb.set(isDrawn ? rgba.subarray(i * 4, i * 4 + 3) : frame.ground, i * 3);
  }
  return rgb;
}

/** Reads up to the first frame; returns null if its colours cannot be told. */
function firstFrameOf(gif: Buffer): FirstFrame | null {
  const paletteOf = (flags: number, at: number) =>
    flags & 0x80 ? gif.subarray(at, at + (6 << (flags & 7))) : null;
  const common = paletteOf(gif[10]!, 13);
  let at = 13 + (common?.length ?? 0);
  let transparent = 0;
  while (gif[at] === 0x21) {
    const isControl = gif[at + 1] === 0xf9;
    if (isControl && gif[at + 3]! & 1) transparent = gif[at + 6] ?? 0;
    at += 2;
    while (gif[at]) at += 1 + gif[at]!;
    at++;
  }
  if (gif[at] !== 0x2c || at + 10 > gif.length) return null;
  const [left, top] = [gif.readUInt16LE(at + 1), gif.readUInt16LE(at + 3)];
  const [right, bottom] = [left + gif.readUInt16LE(at + 5), top + gif.readUInt16LE(at + 7)];
  const palette = paletteOf(gif[at + 9]!, at + 10) ?? common;
  const ground = palette?.subarray(transparent * 3, transparent * 3 + 3);
  return ground?.length === 3 ? { left, top, right, bottom, ground } : null;
}
