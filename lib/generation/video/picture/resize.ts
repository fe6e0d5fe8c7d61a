import type { FilterName } from "./filters.ts";
import { type Arithmetic, type Taps, tapsOf } from "./taps.ts";

/** Picture of 8-bit sRGB pixels [H, W, 3], rows top to bottom. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Resizing {
  readonly filter: FilterName;
  /** Part of the resized picture that is returned; the rest is not computed. Without it, all is. */
  readonly window?: Size & { readonly left: number; readonly top: number };
  readonly arithmetic?: Arithmetic;
}

/**
 * Resizes a picture in two passes, with integer weights and 8-bit values between them, so that it equals in each bit
 * what Pillow 13 makes of it by `Image.resize`, or torch on the CPU by `interpolate` with `antialias`.
 */
export function resizePicture(picture: Picture, size: Size, resizing: Resizing): Picture {
  const { filter, arithmetic = "pil" } = resizing;
  const { left, top, width, height } = resizing.window ?? { left: 0, top: 0, ...size };
  const common = { filter, arithmetic };
  const across = tapsOf({ source: picture.width, target: size.width, from: left, count: width, ...common });
  const down = tapsOf({ source: picture.height, target: size.height, from: top, count: height, ...common });
  if (arithmetic === "pil" && isVerticalFirst(picture, size)) {
    const read = spanOf(across, picture.width);
    return resampleRows(resampleColumns(picture, down, read), moved(across, read), ALL);
  }
  const read = spanOf(down, picture.height);
  return resampleColumns(resampleRows(picture, across, read), moved(down, read), ALL);
}

/** Returns whether Pillow, since version 13, resamples columns before rows. Earlier versions never did. */
function isVerticalFirst(from: Size, to: Size): boolean {
  return to.height < from.height && from.height - to.height > 2 * (from.width - to.width);
}

/** Rows or columns of a picture from `first` up to `last`, which is left out. */
interface Span {
  readonly first: number;
  readonly last: number;
}

const ALL: Span = { first: 0, last: Infinity };

/** Returns what of a side the taps read. */
function spanOf({ starts, reach }: Taps, side: number): Span {
  return { first: starts[0]!, last: Math.min(side, starts.at(-1)! + reach) };
}

/** Returns the taps of a picture of which only a span is left. */
function moved(taps: Taps, { first }: Span): Taps {
  return { ...taps, starts: taps.starts.map((start) => start - first) };
}

/** Resamples the rows of a span, so that the width changes. */
function resampleRows(picture: Picture, taps: Taps, { first, last }: Span): Picture {
  const { starts, weights, reach, precision } = taps;
  const height = Math.min(picture.height, last) - first;
  const half = 2 ** (precision - 1);
  const result = new Uint8ClampedArray(height * starts.length * 3);
  let at = 0;
  for (let row = first; row < first + height; row++) {
    for (let column = 0; column < starts.length; column++) {
      const start = starts[column]!;
      const from = (row * picture.width + start) * 3;
      const count = Math.min(reach, picture.width - start);
      let [red, green, blue] = [half, half, half];
      for (let k = 0; k < count; k++) {
        const weight = weights[column * reach + k]!;
        red += weight * picture.rgb[from + k * 3]!;
        green += weight * picture.rgb[from + k * 3 + 1]!;
        blue += weight * picture.rgb[from + k * 3 + 2]!;
      }
      result[at++] = red >> precision;
      result[at++] = green >> precision;
      result[at++] = blue >> precision;
    }
  }
  return { width: starts.length, height, rgb: new Uint8Array(result.buffer) };
}

/** Resamples the columns of a span, so that the height changes. */
function resampleColumns(picture: Picture, taps: Taps, { first, last }: Span): Picture {
  const { starts, weights, reach, precision } = taps;
  const width = Math.min(picture.width, last) - first;
  const result = new Uint8ClampedArray(starts.length * width * 3);
  const sums = new Int32Array(width * 3);
  for (let row = 0; row < starts.length; row++) {
    sums.fill(2 ** (precision - 1));
    const count = Math.min(reach, picture.height - starts[row]!);
    for (let k = 0; k < count; k++) {
      const weight = weights[row * reach + k]!;
      const from = ((starts[row]! + k) * picture.width + first) * 3;
      for (let i = 0; i < sums.length; i++) sums[i]! += weight * picture.rgb[from + i]!;
    }
    for (let i = 0; i < sums.length; i++) result[row * sums.length + i] = sums[i]! >> precision;
  }
  return { width, height: starts.length, rgb: new Uint8Array(result.buffer) };
}
