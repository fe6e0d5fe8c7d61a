/** Weights and offsets of a linear regression: a row for each output. */
export interface Regression {
  /** Inputs that it looks at, by their indices. */
  readonly inputs: readonly number[];
  readonly matrix: number[][];
  readonly offset: number[];
}

/** Share of the mean variance that is added to each, so that inputs which never change have weights of 0. */
const RIDGE = 1e-10;

/** Sums of products of inputs and outputs, from which least squares fits and their errors follow. */
export class Moments {
  count = 0;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #size: number;
  /** Products of inputs, a 1, and outputs among each other: [N, N], of which the upper triangle is filled. */
  readonly #products: Float64Array;
  readonly #row: Float64Array;

  constructor(inputs: number, outputs: number) {
    [this.#inputs, this.#outputs] = [inputs, outputs];
    this.#size = inputs + 1 + outputs;
    this.#products = new Float64Array(this.#size ** 2);
    this.#row = new Float64Array(this.#size);
  }

  add(inputs: Float64Array, outputs: Float64Array): void {
    const [size, row, products] = [this.#size, this.#row, this.#products];
    row.set(inputs);
    row[this.#inputs] = 1;
    row.set(outputs, this.#inputs + 1);
    for (let i = 0; i <= this.#inputs; i++) {
      const [at, value] = [i * size, row[i]!];
      for (let j = i; j < size; j++) products[at + j]! += value * row[j]!;
    }
    for (let i = this.#inputs + 1; i < size; i++) products[i * size + i]! += row[i]! ** 2;
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

  /** Returns the least squares fit of the outputs on some of the inputs. */
  regression(inputs: readonly number[]): Regression {
    const covariances = inputs.map((i) => inputs.map((j) => this.#covariance(i, j)));
    const mean = covariances.reduce((sum, row, i) => sum + row[i]!, 0) / inputs.length;
    for (const [i, row] of covariances.entries()) row[i]! += RIDGE * mean || Number.MIN_VALUE;
    const factor = cholesky(covariances);
    const matrix = Array.from({ length: this.#outputs }, (_, output) =>
      solved(
        factor,
        inputs.map((i) => this.#covariance(i, this.#place(output))),
      ),
    );
    const offset = matrix.map((weights, output) => this.#biasOf({ inputs, weights, output, offset: 0 }));
    return { inputs, matrix, offset };
  }

  /** Returns the root mean square error of a fit at what was added here, and the share of the variance explained. */
  errorOf({ inputs, matrix, offset }: Regression): { rms: number; r2: number } {
    let [squares, variance] = [0, 0];
    for (const [output, weights] of matrix.entries()) {
      const place = this.#place(output);
      const spread = this.#covariance(place, place);
      let explained = 0;
      for (const [i, weight] of weights.entries()) {
        explained += 2 * weight * this.#covariance(inputs[i]!, place);
        for (const [j, other] of weights.entries())
          explained -= weight * other * this.#covariance(inputs[i]!, inputs[j]!);
      }
      const bias = this.#biasOf({ inputs, weights, output, offset: offset[output]! });
      squares += Math.max(0, spread - explained) + bias ** 2;
      variance += spread;
    }
    return { rms: Math.sqrt(squares / this.#outputs), r2: variance === 0 ? 1 : 1 - squares / variance };
  }

  /** Returns the mean of an output less what weights and offset make of the means of the inputs. */
  #biasOf({
    inputs,
    weights,
    output,
    offset,
  }: {
    readonly inputs: readonly number[];
    readonly weights: readonly number[];
    readonly output: number;
    readonly offset: number;
  }): number {
    return weights.reduce(
      (left, weight, i) => left - weight * this.#mean(inputs[i]!),
      this.#mean(this.#place(output)) - offset,
    );
  }

  #place(output: number): number {
    return this.#inputs + 1 + output;
  }

  #mean(place: number): number {
    return this.#product(place, this.#inputs) / this.count;
  }

  #covariance(one: number, other: number): number {
    return this.#product(one, other) / this.count - this.#mean(one) * this.#mean(other);
  }

  #product(one: number, other: number): number {
    return this.#products[Math.min(one, other) * this.#size + Math.max(one, other)]!;
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
