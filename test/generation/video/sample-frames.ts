import type { Frames } from "../../../lib/generation/video/index.ts";

/** Draws a red disc that crosses blue stripes: moving edges, saturated colours. */
export function discOverStripes({ width = 64, height = 64, count = 16 } = {}): Frames {
  const rgb = new Uint8Array(count * height * width * 3);
  let at = 0;
  for (let frame = 0; frame < count; frame++) {
    const centre = width * (0.8 - (0.6 * frame) / count);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const isDisc = Math.hypot(x - centre, y - height / 2) < height / 5;
        const stripe = Math.floor(y / 8) % 2 === 0 ? [40, 60, 200] : [90, 120, 230];
        rgb.set(isDisc ? [220, 30, 40] : stripe, at);
        at += 3;
      }
    }
  }
  return { width, height, count, rgb };
}

/** Creates frames of a single colour. */
export function plain(colour: readonly number[], { width = 64, height = 64, count = 3 } = {}): Frames {
  const rgb = new Uint8Array(count * height * width * 3).map((_, at) => colour[at % 3]!);
  return { width, height, count, rgb };
}
