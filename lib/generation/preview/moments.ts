/** Weights and offsets of a linear regression: a row for each output. */
export interface Regression {
  readonly matrix: number[][];
  readonly offset: number[];
}

/** Share of the mean variance that is added to each, so that inputs which never change have weights of 0. */
const RIDGE = 1e-9;

/** Sums of products of inputs and outputs, from which a least squares fit and its error follow. */
export class Moments {
  count = 0;
  readonly #inputs: number;
  readonly #outputs: number;
  /** Products of inputs, a 1, and outputs among each other: [N, N], of which the upper triangle is filled. */
  readonly #products: Float64Array;

  constructor(inputs: number, outputs: number) {
    [this.#inputs, this.#outputs] = [inputs, outputs];
    this.#products = new Float64Array((inputs + 1 + outputs) ** 2);
  }

  add(inputs: Float64Array, outputs: Float64Array): void {
    const size = this.#inputs + 1 + this.#outputs;
    const row = new Float64Array(size);
    row.set(inputs);
    row[this.#inputs] = 1;
    row.set(outputs, this.#inputs + 1);
    for (let i = 0; i <= this.#inputs; i++) {
      for (let j = i; j < size; j++) this.#products[i * size + j]! += row[i]! * row[j]!;
    }
    for (let i = this.#inputs + 1; i < size; i++) this.#products[i * size + i]! += row[i]! ** 2;
    this.count += 1;
  }

  /** Returns the moments of both together. */
  with(other: Moments): Moments {
    const both = new Moments(this.#inputs, this.#outputs);
    both.count = this.count + other.count;
    for (let i = 0; i < both.#products.length; i++)
      both.#products[i] = this.#products[i]! + other.#products[i]!;
    return both;
  }

  /** Returns the least squares fit of the outputs. */
  regression(): Regression {
    const covariances = Array.from({ length: this.#inputs }, (_, i) =>
      Array.from({ length: this.#inputs }, (_, j) => this.#covariance(Math.min(i, j), Math.max(i, j))),
    );
    const mean = covariances.reduce((sum, row, i) => sum + row[i]!, 0) / this.#inputs;
    for (const [i, row] of covariances.entries()) row[i]! += RIDGE * mean || Number.MIN_VALUE;
    const factor = cholesky(covariances);
    const matrix = Array.from({ length: this.#outputs }, (_, output) =>
      solved(
        factor,
        covariances.map((_, i) => this.#covariance(i, this.#inputs + 1 + output)),
      ),
    );
    const offset = matrix.map((weights, output) =>
      weights.reduce(
        (left, weight, i) => left - weight * this.#mean(i),
        this.#mean(this.#inputs + 1 + output),
      ),
    );
    return { matrix, offset };
  }

  /** Returns the error of a fit at what was added here. */
  errorOf({ matrix, offset }: Regression): { rms: number; r2: number } {
    let [squares, variance] = [0, 0];
    for (const [output, weights] of matrix.entries()) {
      const place = this.#inputs + 1 + output;
      const spread = this.#covariance(place, place);
      const bias = weights.reduce(
        (left, weight, i) => left - weight * this.#mean(i),
        this.#mean(place) - offset[output]!,
      );
      let explained = 0;
      for (const [i, weight] of weights.entries()) {
        explained += 2 * weight * this.#covariance(i, place);
        for (const [j, other] of weights.entries())
          explained -= weight * other * this.#covariance(Math.min(i, j), Math.max(i, j));
      }
      squares += Math.max(0, spread - explained) + bias ** 2;
      variance += spread;
    }
    return {
      rms: Math.sqrt(squares / this.#outputs),
      r2: variance === 0 ? 1 : 1 - squares / variance,
    };
  }

  #mean(place: number): number {
    return this.#product(Math.min(place, this.#inputs), Math.max(place, this.#inputs)) / this.count;
  }

  #covariance(low: number, high: number): number {
    return this.#product(low, high) / this.count - this.#mean(low) * this.#mean(high);
  }

  #product(low: number, high: number): number {
    return this.#products[low * (this.#inputs + 1 + this.#outputs) + high]!;
  }
}

/** Returns the lower triangle L of a positive definite matrix L Lt. */
function cholesky(matrix: readonly (readonly number[])[]): number[][] {
  const lower: number[][] = [];
  for (const [i, row] of matrix.entries()) {
    const made: number[] = [];
    for (let j = 0; j <= i; j++) {
      const other = j === i ? made : lower[j]!;
      let left = row[j]!;
      for (let k = 0; k < j; k++) left -= made[k]! * other[k]!;
      // Rounding may leave less than nothing of an input that follows from others.
      made.push(j === i ? Math.sqrt(Math.max(left, Number.EPSILON * row[i]!)) : left / other[j]!);
    }
    lower.push(made);
  }
  return lower;
}

/** Solves L Lt x = right. */
function solved(lower: readonly (readonly number[])[], right: readonly number[]): number[] {
  const x = [...right];
  for (let i = 0; i < x.length; i++) {
    for (let k = 0; k < i; k++) x[i]! -= lower[i]![k]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i]! -= lower[k]![i]! * x[k]!;
    x[i]! /= lower[i]![i]!;
  }
  return x;
}
