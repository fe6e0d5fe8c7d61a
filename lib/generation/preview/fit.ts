import type { Frames } from "../video/index.ts";
import { framesOf } from "./frames-of.ts";
import type { LinearMap } from "./linear-map.ts";
import { Moments } from "./moments.ts";
import type { PreviewShape } from "./preview.ts";

/** Error of a map at positions that it was not fitted to. */
export interface MapError {
  /** Root mean square of the differences, in 0..255. */
  readonly rms: number;
  /** Share of the variance that the map explains; 1 for a map without error. */
  readonly r2: number;
}

export interface FittedMap {
  readonly map: LinearMap;
  readonly error: MapError;
  /** Latent positions that the map was fitted to, and the videos that they are from. */
  readonly positions: number;
  readonly videos: number;
}

/** Positions that are taken of one video, evenly spread. */
const POSITIONS_MAX = 8192;

/** Rows of positions of which one is held out to measure the error. */
const HELD_OUT_EVERY = 5;

/** Longest side of a preview whose positions become several pixels, and fewest pixels of the video in one of them. */
const SIDE_MAX = 160;
const PIXEL_MIN = 4;

/**
 * Fits the linear map of an autoencoder by least squares: the pixels of videos, averaged over what one pixel of a
 * preview stands for, on the channels of their latents.
 *
 * A latent frame is matched with the frames of the video that it stands for. The map is that of all positions. Its
 * error is that of a map which was fitted without a fifth of them, at these.
 */
export class MapFit {
  readonly channels: number;
  readonly pixels: number;
  readonly #fitted: Moments;
  readonly #heldOut: Moments;
  #videos = 0;

  constructor({ channels, pixels }: Pick<LinearMap, "channels" | "pixels">) {
    this.channels = channels;
    this.pixels = pixels;
    this.#fitted = new Moments(channels, pixels * pixels * 3);
    this.#heldOut = new Moments(channels, pixels * pixels * 3);
  }

  get videos(): number {
    return this.#videos;
  }

  /**
   * Adds a video and the latent that it was decoded from.
   *
   * @param latent [C, F, H, W]
   * @throws RangeError if the video is not as large as whole pixels of the preview, or shorter than the latent
   */
  add(latent: Float32Array, shape: PreviewShape, video: Frames): void {
    const { channels, frames, height, width } = shape;
    const scale = video.width / (width * this.pixels);
    const isWhole = Number.isInteger(scale) && video.height === height * this.pixels * scale;
    if (channels !== this.channels || !isWhole || video.count < frames)
      throw new RangeError(`${video.count} frames of ${video.width}x${video.height} are not of this latent`);
    const area = height * width;
    const total = frames * area;
    const inputs = new Float64Array(channels);
    const outputs = new Float64Array(this.pixels * this.pixels * 3);
    for (let at = 0; at < total; at += strideOf(total, width)) {
      const [frame, place] = [Math.floor(at / area), at % area];
      const [y, x] = [Math.floor(place / width), place % width];
      for (let channel = 0; channel < channels; channel++)
        inputs[channel] = latent[(channel * frames + frame) * area + place]!;
      const between = framesOf(frame, frames, video.count);
      average(
        video,
        { x: x * this.pixels, y: y * this.pixels, pixels: this.pixels, scale, between },
        outputs,
      );
      const isHeldOut = (frame * height + y) % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
      (isHeldOut ? this.#heldOut : this.#fitted).add(inputs, outputs);
    }
    this.#videos += 1;
  }

  /** Returns the map of all positions so far; null while there are too few to tell the channels apart. */
  map(): FittedMap | null {
    const { channels, pixels } = this;
    if (this.#fitted.count <= channels || this.#heldOut.count === 0) return null;
    const tried = this.#fitted.regression();
    const all = this.#fitted.with(this.#heldOut);
    return {
      map: { channels, pixels, ...all.regression() },
      error: this.#heldOut.errorOf(tried),
      positions: all.count,
      videos: this.#videos,
    };
  }
}

/** Returns how many pixels along one edge a latent position becomes: small pictures become larger ones. */
export function pixelsFor(shape: Pick<PreviewShape, "width" | "height">, video: { width: number }): number {
  const scale = video.width / shape.width;
  const side = Math.max(shape.width, shape.height);
  let pixels = 1;
  while (side * pixels * 2 <= SIDE_MAX && scale / (pixels * 2) >= PIXEL_MIN && scale % (pixels * 2) === 0)
    pixels *= 2;
  return pixels;
}

/** Returns the distance between positions that are taken: no multiple of the width, so that no column is left out. */
function strideOf(total: number, width: number): number {
  const stride = Math.ceil(total / POSITIONS_MAX);
  return stride > 1 && width % stride === 0 ? stride + 1 : stride;
}

interface Block {
  readonly x: number;
  readonly y: number;
  readonly pixels: number;
  readonly scale: number;
  readonly between: readonly [number, number];
}

/** Averages the pixels of a video over each pixel of a block of the preview, and over the frames in between. */
function average(video: Frames, { x, y, pixels, scale, between }: Block, outputs: Float64Array): void {
  const [first, end] = between;
  const count = (end - first) * scale * scale;
  outputs.fill(0);
  for (let frame = first; frame < end; frame++) {
    for (let dy = 0; dy < pixels * scale; dy++) {
      let from = ((frame * video.height + y * scale + dy) * video.width + x * scale) * 3;
      for (let dx = 0; dx < pixels * scale; dx++) {
        const to = (Math.floor(dy / scale) * pixels + Math.floor(dx / scale)) * 3;
        for (let color = 0; color < 3; color++) outputs[to + color]! += video.rgb[from++]!;
      }
    }
  }
  for (let i = 0; i < outputs.length; i++) outputs[i]! /= count;
}
