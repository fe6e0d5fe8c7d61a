/** Colours of the demo model's videos, as tools/demo-model/scenes.py draws them. */
import type { Frames } from "../../../lib/generation/video/index.ts";

export type Rgb = readonly [number, number, number];

const palette = {
  red: [214, 40, 40],
  green: [38, 160, 70],
  blue: [45, 90, 220],
  yellow: [245, 208, 50],
  purple: [142, 58, 186],
  orange: [244, 126, 36],
  white: [240, 240, 240],
  black: [28, 28, 34],
} as const satisfies Record<string, Rgb>;

export type Colour = keyof typeof palette;

export const colours = Object.keys(palette) as readonly Colour[];

const PALER = 0.42;

/** Width of the border in pixels, which an object is too large to fill. */
const BORDER = 6;

/** RGB distance at which the cost of a pixel is capped: it may belong to the object. */
const FAR = 80;

/** RGB distance at which a pixel is only weak evidence of a colour; mixtures at an object's edge are farther away. */
const NEAR = 35;

/** Returns the second colour of a pattern over `colour`: a paler tint, or a grey for white and black. */
export function secondColour(colour: Colour): Rgb {
  if (colour === "white") return [186, 188, 194];
  if (colour === "black") return [78, 78, 88];
  const [r, g, b] = palette[colour];
  return [r + (255 - r) * PALER, g + (255 - g) * PALER, b + (255 - b) * PALER];
}

/** Returns the RGB distance of a pixel to a colour of the palette. */
export function distanceToColour(pixel: Rgb, colour: Colour): number {
  return Math.sqrt(squared(minus(pixel, palette[colour])));
}

/**
 * Returns the RGB distance of a pixel to the nearest mixture of a background's two colours, of which patterns
 * consist.
 */
export function distanceToBackground(pixel: Rgb, background: Colour): number {
  const first = palette[background];
  const way = minus(secondColour(background), first);
  const offset = minus(pixel, first);
  const mix = Math.min(1, Math.max(0, dot(offset, way) / squared(way)));
  return Math.sqrt(squared(minus(offset, [way[0] * mix, way[1] * mix, way[2] * mix])));
}

/** Returns the background that explains the borders of all frames best. */
export function backgroundColour(frames: Frames): Colour {
  const cost = colours.map((colour) => {
    let sum = 0;
    for (let f = 0; f < frames.count; f++) {
      forEachPixel(frames, f, (pixel, x, y) => {
        const edge = Math.min(x, y, frames.width - 1 - x, frames.height - 1 - y);
        if (edge < BORDER) sum += Math.min(FAR, distanceToBackground(pixel, colour)) ** 2;
      });
    }
    return sum;
  });
  return colours[cost.indexOf(Math.min(...cost))]!;
}

/**
 * Returns the colour of the object over a background. Each pixel that is not background votes for its nearest
 * colour, weighted by its distance. Null if there are hardly any votes.
 */
export function objectColour(frames: Frames, background: Colour): Colour | null {
  const others = colours.filter((colour) => colour !== background);
  const votes = others.map(() => 0);
  for (let f = 0; f < frames.count; f++) {
    forEachPixel(frames, f, (pixel) => {
      const distances = others.map((colour) => distanceToColour(pixel, colour));
      const nearest = Math.min(...distances);
      if (nearest >= distanceToBackground(pixel, background)) return;
      votes[distances.indexOf(nearest)]! += Math.exp(-((nearest / NEAR) ** 2) / 2);
    });
  }
  const most = Math.max(...votes);
  return most < frames.count ? null : others[votes.indexOf(most)]!;
}

/** Returns the mask [H, W] of pixels that are nearer to the object's colour (1) than to the background (0). */
export function objectMask(frames: Frames, frame: number, background: Colour, object: Colour): Uint8Array {
  const mask = new Uint8Array(frames.width * frames.height);
  forEachPixel(frames, frame, (pixel, x, y) => {
    const isObject = distanceToColour(pixel, object) < distanceToBackground(pixel, background);
    if (isObject) mask[y * frames.width + x] = 1;
  });
  return mask;
}

function forEachPixel(
  frames: Frames,
  frame: number,
  visit: (pixel: Rgb, x: number, y: number) => void,
): void {
  const { width, height, rgb } = frames;
  let at = frame * height * width * 3;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) visit([rgb[at]!, rgb[at + 1]!, rgb[at + 2]!], x, y);
  }
}

function minus(a: Rgb, b: Rgb): Rgb {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function dot(a: Rgb, b: Rgb): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function squared(a: Rgb): number {
  return dot(a, a);
}
