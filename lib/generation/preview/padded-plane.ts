/** Channel of a frame of a latent, with a margin in which the values at the edges are repeated. */
export class PaddedPlane {
  readonly #width: number;
  readonly #height: number;
  readonly #reach: number;
  readonly #stride: number;
  readonly #values: Float32Array;

  constructor({ width, height, reach }: { width: number; height: number; reach: number }) {
    [this.#width, this.#height, this.#reach] = [width, height, reach];
    this.#stride = width + 2 * reach;
    this.#values = new Float32Array(this.#stride * (height + 2 * reach));
  }

  /** @param value returns the value at a position [H, W] */
  fill(value: (at: number) => number): void {
    const [width, reach, stride] = [this.#width, this.#reach, this.#stride];
    for (let y = 0; y < this.#height; y++) {
      const row = (y + reach) * stride;
      for (let x = 0; x < width; x++) this.#values[row + reach + x] = value(y * width + x);
      for (let x = 0; x < reach; x++) {
        this.#values[row + x] = this.#values[row + reach]!;
        this.#values[row + reach + width + x] = this.#values[row + reach + width - 1]!;
      }
    }
    const last = (reach + this.#height - 1) * stride;
    for (let y = 0; y < reach; y++) {
      this.#values.copyWithin(y * stride, reach * stride, (reach + 1) * stride);
      this.#values.copyWithin(last + (y + 1) * stride, last, last + stride);
    }
  }

  /** Adds the values that are at a place around each position, times a weight. */
  addTo(sums: Float32Array, place: number, weight: number): void {
    const [width, stride, values] = [this.#width, this.#stride, this.#values];
    const side = 2 * this.#reach + 1;
    const from = Math.floor(place / side) * stride + (place % side);
    for (let y = 0; y < this.#height; y++) {
      const [to, row] = [y * width, from + y * stride];
      for (let x = 0; x < width; x++) sums[to + x]! += weight * values[row + x]!;
    }
  }

  /** Writes the values at all places around a position. */
  around(x: number, y: number, write: (place: number, value: number) => void): void {
    const side = 2 * this.#reach + 1;
    for (let place = 0; place < side * side; place++)
      write(place, this.#values[(y + Math.floor(place / side)) * this.#stride + x + (place % side)]!);
  }
}
