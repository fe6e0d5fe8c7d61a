/** Polynomials: values, and the fit by which TeaCache calibrates its distance. */
import { assertCount } from "./rule.ts";

/** Value of a polynomial whose coefficients begin with the highest power, as `np.poly1d` has them. */
export function polynomialValue(coefficients: readonly number[], at: number): number {
  return coefficients.reduce((value, coefficient) => value * at + coefficient, 0);
}

/**
 * Least squares fit of a polynomial, as `np.polyfit` makes it: columns of powers scaled to norm 1, then an orthogonal
 * factorisation. TeaCache fits the change of the model's output over the change of its input, with degree 4.
 *
 * @returns degree + 1 coefficients, the highest power first
 * @throws RangeError if fewer than degree + 1 different inputs are given, or a number is not finite
 */
export function fitPolynomial(inputs: readonly number[], outputs: readonly number[], degree = 4): number[] {
  assertCount("degree", degree, 0);
  if (inputs.length !== outputs.length) {
    throw new RangeError(`${inputs.length} inputs cannot be fitted to ${outputs.length} outputs`);
  }
  if (![...inputs, ...outputs].every(Number.isFinite)) {
    throw new RangeError("a fit needs finite inputs and outputs");
  }
  if (new Set(inputs).size < degree + 1) {
    throw new RangeError(
      `a polynomial of degree ${degree} needs ${degree + 1} different inputs, got ${new Set(inputs).size}`,
    );
  }
  const columns = Array.from({ length: degree + 1 }, (_, index) => inputs.map((x) => x ** (degree - index)));
  const norms = columns.map((column) => Math.hypot(...column));
  const scaled = columns.map((column, index) => column.map((value) => value / norms[index]!));
  return leastSquares(scaled, outputs).map((value, index) => value / norms[index]!);
}

/** Solves min |A x - b| by Householder reflections; `columns` are those of A and have full rank. */
function leastSquares(columns: readonly (readonly number[])[], right: readonly number[]): number[] {
  const a = columns.map((column) => [...column]);
  const b = [...right];
  const diagonal = a.map((column, pivot) => {
    const length = Math.hypot(...column.slice(pivot));
    const alpha = column[pivot]! > 0 ? -length : length;
    // The reflection v maps the column's lower part onto alpha times the first unit vector.
    const v = column.map((value, row) => (row < pivot ? 0 : row === pivot ? value - alpha : value));
    const scale = 2 / dot(v, v);
    for (const target of [...a.slice(pivot + 1), b]) {
      const factor = scale * dot(v, target);
      for (let row = pivot; row < target.length; row++) target[row]! -= factor * v[row]!;
    }
    return alpha;
  });
  const solution: number[] = Array(a.length).fill(0);
  for (let row = a.length - 1; row >= 0; row--) {
    let rest = b[row]!;
    for (let column = row + 1; column < a.length; column++) rest -= a[column]![row]! * solution[column]!;
    solution[row] = rest / diagonal[row]!;
  }
  return solution;
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * right[index]!, 0);
}
