/** Largest connected component of a mask. */
export interface Blob {
  /** Mask [H, W] of 0 and 1. */
  readonly mask: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Area in pixels. */
  readonly area: number;
  /** Centroid in pixels; the centre of the first pixel is 0.5. */
  readonly x: number;
  readonly y: number;
}

/** Minimum area of an object in pixels. The smallest object has about forty; less is noise. */
const MIN_AREA = 12;

/** Returns the largest 4-connected component of a mask [H, W], or null if it is smaller than the minimum area. */
export function largestBlob(mask: Uint8Array, width: number, height: number): Blob | null {
  const seen = new Uint8Array(mask.length);
  let largest: number[] = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen[start]) continue;
    const part = flood(mask, seen, start, width);
    if (part.length > largest.length) largest = part;
  }
  if (largest.length < MIN_AREA) return null;
  const blob = new Uint8Array(mask.length);
  let x = 0;
  let y = 0;
  for (const at of largest) {
    blob[at] = 1;
    x += (at % width) + 0.5;
    y += Math.floor(at / width) + 0.5;
  }
  const area = largest.length;
  return { mask: blob, width, height, area, x: x / area, y: y / area };
}

/** Returns the pixels connected to `start`, and marks them in `seen`. */
function flood(mask: Uint8Array, seen: Uint8Array, start: number, width: number): number[] {
  const part = [start];
  seen[start] = 1;
  // The list grows during the iteration.
  for (const at of part) {
    const x = at % width;
    const neighbours = [at - width, at + width, x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1];
    for (const next of neighbours) {
      if (!mask[next] || seen[next]) continue;
      seen[next] = 1;
      part.push(next);
    }
  }
  return part;
}
