import type { LatentEstimate } from "./latent-estimate.ts";
import { placesOf } from "./linear-map.ts";

interface Extent {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly reach: number;
}

/** Frame of a clean latent with a margin, in which the values at its edges are repeated. */
export class PaddedFrame {
  readonly #extent: Extent;
  /** Values of a row, and of a channel, with the margin. */
  readonly #stride: number;
  readonly #area: number;
  readonly #values: Float32Array;

  constructor(extent: Extent) {
    this.#extent = extent;
    this.#stride = extent.width + 2 * extent.reach;
    this.#area = this.#stride * (extent.height + 2 * extent.reach);
    this.#values = new Float32Array(extent.channels * this.#area);
  }

  /** Fills the frame with one of `frames` of a latent. */
  fill({ latent, prediction, kept, added }: LatentEstimate, frame: number, frames: number): void {
    const { channels, height, width, reach } = this.#extent;
    const stride = this.#stride;
    const values = this.#values;
    for (let channel = 0; channel < channels; channel++) {
      const top = channel * this.#area + reach * stride;
      let from = (channel * frames + frame) * height * width;
      for (let y = 0; y < height; y++) {
        const row = top + y * stride + reach;
        for (let x = 0; x < width; x++, from++)
          values[row + x] = kept * latent[from]! + added * prediction[from]!;
        values.fill(values[row]!, row - reach, row);
        values.fill(values[row + width - 1]!, row + width, row + width + reach);
      }
      const bottom = top + (height - 1) * stride;
      for (let y = 1; y <= reach; y++) {
        values.copyWithin(top - y * stride, top, top + stride);
        values.copyWithin(bottom + y * stride, bottom, bottom + stride);
      }
    }
  }

  /** Writes the values at a position and around it [places, channels]. */
  around(x: number, y: number, inputs: Float64Array): void {
    const { channels, reach } = this.#extent;
    const side = 2 * reach + 1;
    let to = 0;
    for (let place = 0; place < side * side; place++) {
      const from = (y + Math.floor(place / side)) * this.#stride + x + (place % side);
      for (let channel = 0; channel < channels; channel++)
        inputs[to++] = this.#values[channel * this.#area + from]!;
    }
  }

  /**
   * Adds the weighted values at all positions and around them to three planes [3, H, W].
   *
   * @param weights [3, places, channels]
   */
  addTo(planes: Float32Array, weights: Float32Array): void {
    const { channels, height, width, reach } = this.#extent;
    const stride = this.#stride;
    const values = this.#values;
    const side = 2 * reach + 1;
    const columns = placesOf(reach) * channels;
    const area = height * width;
    for (let place = 0; place < side * side; place++) {
      const corner = Math.floor(place / side) * stride + (place % side);
      for (let channel = 0; channel < channels; channel++) {
        const column = place * channels + channel;
        const red = weights[column]!;
        const green = weights[columns + column]!;
        const blue = weights[2 * columns + column]!;
        const start = channel * this.#area + corner;
        for (let y = 0; y < height; y++) {
          let from = start + y * stride;
          const end = (y + 1) * width;
          for (let to = y * width; to < end; to++, from++) {
            const value = values[from]!;
            planes[to]! += red * value;
            planes[area + to]! += green * value;
            planes[2 * area + to]! += blue * value;
          }
        }
      }
    }
  }
}
