import { slice, type Value } from "../onnx/index.ts";

/**
 * Strips in which a decoder makes large pictures, so that it holds what one strip needs. A convolution sees a neighbour
 * on each side, so a strip begins with a margin that its convolutions use up. The pictures are those of a whole run.
 */

/** Rows or columns of a picture, in elements of its latent. */
export interface Strip {
  readonly axis: "height" | "width";
  readonly first: number;
  readonly count: number;
}

/** Edges of a strip with its margin. Each is that of the picture, or within it. */
export interface StripEdges {
  /** Zeros that a convolution with a kernel of 3 adds before and after rows, and columns: none within the picture. */
  readonly pads: readonly [rows: readonly [number, number], columns: readonly [number, number]];
  /** Takes elements of [..., H, W] away at each edge within the picture. */
  cropped(x: Value, elements: number): Value;
}

/** Strip with its margin, as a window on a picture. */
export interface StripWindow extends StripEdges {
  /** Cuts the window out of a picture [..., H, W]. */
  cut(x: Value): Value;
  /** Cuts the strip out of [..., H, W], where the margin was used up at edges within the picture. */
  finished(x: Value, scale: number): Value;
}

/** Edges of a picture that is not cut. */
export const wholePicture: StripEdges = {
  pads: [
    [1, 1],
    [1, 1],
  ],
  cropped: (x) => x,
};

/** Length of the longer edge, in margins, for which there is one strip more. */
const MARGINS_PER_STRIP = 4;

/**
 * Cuts pictures into strips along their longer edge, which differ by one element at most. With Wan's decoder three
 * strips of a picture of 104 elements compute 7 % more than the whole picture; a shorter edge is not worth cutting.
 *
 * @param margin elements of a strip's margin
 */
export function stripsOf(
  { height, width }: { readonly height: number; readonly width: number },
  margin: number,
): Strip[] {
  const axis = height > width ? "height" : "width";
  const whole = Math.max(height, width);
  const strips = 1 + Math.floor(whole / (MARGINS_PER_STRIP * margin));
  const edge = (index: number) => Math.round((index * whole) / strips);
  return Array.from({ length: strips }, (_, i) => ({ axis, first: edge(i), count: edge(i + 1) - edge(i) }));
}

/** Returns the window on pictures with `whole` elements along the strip's axis. */
export function windowOf({ axis, first, count }: Strip, margin: number, whole: number): StripWindow {
  const [from, to] = [Math.max(0, first - margin), Math.min(whole, first + count + margin)];
  const isInner = [from > 0, to < whole] as const;
  const along = [isInner[0] ? 0 : 1, isInner[1] ? 0 : 1] as const;
  const across = [1, 1] as const;
  const at = axis === "height" ? -2 : -1;
  const cutTo = (x: Value, start: number, end: number) =>
    end - start === x.shape.at(at) ? x : slice(x, at, start, end);
  return {
    pads: axis === "height" ? [along, across] : [across, along],
    cropped(x, elements) {
      const [before, after] = isInner.map((inner) => (inner ? elements : 0)) as [number, number];
      return cutTo(x, before, x.shape.at(at)! - after);
    },
    cut: (x) => cutTo(x, from, to),
    finished(x, scale) {
      const before = isInner[0] ? 0 : first * scale;
      return cutTo(x, before, before + count * scale);
    },
  };
}
