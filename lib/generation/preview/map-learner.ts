import type { Frames } from "../video/index.ts";
import { type FittedMap, type HeldOut, MapFit, pixelsFor } from "./fit.ts";
import type { PreviewShape } from "./preview.ts";

/** Learns the map of an autoencoder from the first videos that it decodes. More would tell little, and take time. */
export class MapLearner {
  readonly #videosMax: number;
  readonly #heldOut: HeldOut;
  #fit: MapFit | null = null;

  /** @param options.heldOut every fifth row of positions by default */
  constructor({ videosMax, heldOut = "rows" }: { readonly videosMax: number; readonly heldOut?: HeldOut }) {
    this.#videosMax = videosMax;
    this.#heldOut = heldOut;
  }

  /** Adds a video, if there are not enough yet, and the latent [C, F, H, W] that it was decoded from. */
  add(latent: Float32Array, shape: PreviewShape, video: Frames): void {
    this.#fit ??= new MapFit({
      channels: shape.channels,
      pixels: pixelsFor(shape, video),
      heldOut: this.#heldOut,
    });
    if (this.#fit.videos < this.#videosMax && this.#fit.fits(shape, video))
      this.#fit.add(latent, shape, video);
  }

  /** Returns the map of the videos so far; null without any, and if they are too small. */
  learnt(): FittedMap | null {
    return this.#fit?.map() ?? null;
  }
}
