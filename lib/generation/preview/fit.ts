import type { Frames } from "../video/index.ts";
import { framesOf } from "./frames-of.ts";
import { type LinearMap, placesOf } from "./linear-map.ts";
import { Moments, type Regression } from "./moments.ts";
import { PaddedFrame } from "./padded-frame.ts";
import { type PreviewShape, SIDE_MAX } from "./preview.ts";

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

/** Points that are held out to measure the error: every fifth row of positions, or every fifth video. */
export type HeldOut = "rows" | "videos";

/** Positions that are taken of one video, evenly spread. */
const POSITIONS_MAX = 8192;

/** Rows of positions, or videos, of which one is held out. */
const HELD_OUT_EVERY = 5;

/** Fewest pixels along one edge that a pixel of a preview stands for. */
const PIXEL_MIN = 4;

/** Most numbers that a pixel is made of, so that a preview costs little: 3 by 3 positions of 16 channels. */
const INPUTS_MAX = 160;
const REACH_MAX = 2;
/** A map looks further if that lowers its error to so many times what it was. */
const WORTH = 0.95;

/**
 * Fits the linear map of an autoencoder by least squares: the pixels of videos, averaged over what one pixel of a
 * preview stands for, on the latents that the videos were decoded from.
 *
 * A latent frame is matched with the frames of the video that it stands for. The map is that of all positions. Its
 * error is that of a map which was fitted without a fifth of them, at these. It looks no further than is worth it by
 * that error.
 */
export class MapFit {
  readonly channels: number;
  readonly pixels: number;
  readonly #heldOutBy: HeldOut;
  readonly #reach: number;
  readonly #fitted: Moments;
  readonly #heldOut: Moments;
  #videos = 0;

  constructor({
    channels,
    pixels,
    heldOut = "rows",
  }: Pick<LinearMap, "channels" | "pixels"> & { readonly heldOut?: HeldOut }) {
    this.channels = channels;
    this.pixels = pixels;
    this.#heldOutBy = heldOut;
    let reach = 0;
    while (reach < REACH_MAX && placesOf(reach + 1) * channels <= INPUTS_MAX) reach += 1;
    this.#reach = reach;
    const moments = () => new Moments(placesOf(reach) * channels, pixels * pixels * 3);
    [this.#fitted, this.#heldOut] = [moments(), moments()];
  }

  get videos(): number {
    return this.#videos;
  }

  /** Returns whether a video is as large as whole pixels of its preview, and no shorter than its latent. */
  fits({ channels, frames, height, width }: PreviewShape, video: Frames): boolean {
    const scale = video.width / (width * this.pixels);
    const isWhole = Number.isInteger(scale) && video.height === height * this.pixels * scale;
    return channels === this.channels && isWhole && video.count >= frames;
  }

  /**
   * Adds a video and the latent that it was decoded from.
   *
   * @param latent [C, F, H, W]
   * @throws RangeError if the video does not fit
   */
  add(latent: Float32Array, shape: PreviewShape, video: Frames): void {
    const { channels, frames, height, width } = shape;
    if (!this.fits(shape, video))
      throw new RangeError(`${video.count} frames of ${video.width}x${video.height} are not of this latent`);
    const area = height * width;
    const stride = strideOf(frames * area, width);
    const padded = new PaddedFrame({ channels, height, width, reach: this.#reach });
    const estimate = { latent, prediction: latent, kept: 1, added: 0 };
    const inputs = new Float64Array(placesOf(this.#reach) * channels);
    const outputs = new Float64Array(this.pixels * this.pixels * 3);
    let next = 0;
    for (let frame = 0; frame < frames; frame++) {
      padded.fill(estimate, frame, frames);
      const between = framesOf(frame, frames, video.count);
      for (; next < (frame + 1) * area; next += stride) {
        const [y, x] = [Math.floor((next % area) / width), next % width];
        padded.around(x, y, inputs);
        average(
          video,
          { x: x / width, y: y / height, pixels: this.pixels, latentWidth: width, between },
          outputs,
        );
        const row = this.#heldOutBy === "rows" ? frame * height + y : this.#videos;
        const isHeldOut = row % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
        (isHeldOut ? this.#heldOut : this.#fitted).add(inputs, outputs);
      }
    }
    this.#videos += 1;
  }

  /** Returns the map of all positions so far; null while there are too few to tell the channels apart. */
  map(): FittedMap | null {
    if (this.#heldOut.count === 0) return null;
    const tried = Array.from({ length: this.#reach + 1 }, (_, reach) => ({
      reach,
      inputs: this.#inputs(reach),
    }))
      .filter(({ inputs }) => this.#fitted.count > 2 * inputs.length)
      .map(({ reach, inputs }) => ({
        reach,
        inputs,
        error: this.#heldOut.errorOf(this.#fitted.regression(inputs)),
      }));
    const [first, ...others] = tried;
    if (!first) return null;
    const chosen = others.reduce(
      (best, next) => (next.error.rms <= WORTH * best.error.rms ? next : best),
      first,
    );
    const all = this.#fitted.with(this.#heldOut);
    return {
      map: this.#mapOf(chosen.reach, all.regression(chosen.inputs)),
      error: chosen.error,
      positions: all.count,
      videos: this.#videos,
    };
  }

  #mapOf(reach: number, { matrix, offset }: Regression): LinearMap {
    return { channels: this.channels, reach, pixels: this.pixels, matrix, offset };
  }

  /** Returns the indices of the inputs within a reach. */
  #inputs(reach: number): number[] {
    const side = 2 * this.#reach + 1;
    const isNear = (offset: number) => Math.abs(offset - this.#reach) <= reach;
    return Array.from({ length: side * side }, (_, place) => place)
      .filter((place) => isNear(Math.floor(place / side)) && isNear(place % side))
      .flatMap((place) => Array.from({ length: this.channels }, (_, c) => place * this.channels + c));
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

/** Returns the distance between positions that are taken, which leaves out no column. */
function strideOf(total: number, width: number): number {
  let stride = Math.ceil(total / POSITIONS_MAX);
  while (divisor(stride, width) > 1) stride += 1;
  return stride;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

interface Block {
  /** Place of the block's left edge and top in the video, as shares of its sides. */
  readonly x: number;
  readonly y: number;
  readonly pixels: number;
  readonly latentWidth: number;
  readonly between: readonly [number, number];
}

/** Averages the pixels of a video over each pixel of a block of the preview, and over the frames in between. */
function average(video: Frames, { x, y, pixels, latentWidth, between }: Block, outputs: Float64Array): void {
  const [first, end] = between;
  const scale = video.width / (latentWidth * pixels);
  const [left, top] = [Math.round(x * video.width), Math.round(y * video.height)];
  outputs.fill(0);
  for (let frame = first; frame < end; frame++) {
    for (let dy = 0; dy < pixels * scale; dy++) {
      let from = ((frame * video.height + top + dy) * video.width + left) * 3;
      for (let dx = 0; dx < pixels * scale; dx++) {
        const to = (Math.floor(dy / scale) * pixels + Math.floor(dx / scale)) * 3;
        for (let color = 0; color < 3; color++) outputs[to + color]! += video.rgb[from++]!;
      }
    }
  }
  const count = (end - first) * scale * scale;
  for (let i = 0; i < outputs.length; i++) outputs[i]! /= count;
}
