/**
 * Predicts a tensor at one noise level from the same tensor at other levels by their second moments: simple kriging,
 * which is the posterior mean of a Gaussian process over the noise level.
 *
 * @see Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.25 and 2.26
 */

/** Mean product of a tensor at two noise levels. */
export type Moments = (level: number, other: number) => number;

/** Added to the diagonal, relative to it: keeps systems of close levels solvable. */
const RIDGE = 1e-6;

/** Least expected error, relative to the moment itself, so that ratios to it stay finite. */
export const LEAST_ERROR = 1e-7;

/**
 * Returns moments between measured levels by bilinear interpolation; levels outside are those at the ends.
 *
 * @param levels descending
 * @param table [levels, levels]
 */
export function interpolatedMoments(
  levels: readonly number[],
  table: readonly (readonly number[])[],
): Moments {
  return (level, other) => {
    const [row, down] = between(levels, level);
    const [column, right] = between(levels, other);
    const at = (i: number, j: number) => table[i]![j]!;
    const upper = (1 - right) * at(row, column) + right * at(row, column + 1);
    const lower = (1 - right) * at(row + 1, column) + right * at(row + 1, column + 1);
    return (1 - down) * upper + down * lower;
  };
}

/** Returns values between measured levels by linear interpolation; levels outside are those at the ends. */
export function interpolatedValues(
  levels: readonly number[],
  values: readonly number[],
): (level: number) => number {
  return (level) => {
    const [index, share] = between(levels, level);
    return (1 - share) * values[index]! + share * values[index + 1]!;
  };
}

/** Returns the index of the interval that holds a level, and the position in it, 0 to 1. */
function between(levels: readonly number[], level: number): [index: number, share: number] {
  let index = 0;
  while (index < levels.length - 2 && levels[index + 1]! > level) index += 1;
  const [above, below] = [levels[index]!, levels[index + 1]!];
  const share = above === below ? 0 : (above - level) / (above - below);
  return [index, Math.min(1, Math.max(0, share))];
}

/** Returns the weights by which the tensors at the levels `known` predict the one at `level` best. */
export function krigingWeights(moments: Moments, known: readonly number[], level: number): number[] {
  const system = known.map((row, i) =>
    known.map((column, j) => moments(row, column) * (i === j ? 1 + RIDGE : 1)),
  );
  return solve(
    system,
    known.map((row) => moments(row, level)),
  );
}

/**
 * Returns the expected mean square of the error that such a prediction makes, in the unit of the moments, and at least
 * a ten-millionth of the tensor's own.
 */
export function krigingError(moments: Moments, known: readonly number[], level: number): number {
  const own = moments(level, level);
  const explained = krigingWeights(moments, known, level).reduce(
    (sum, weight, i) => sum + weight * moments(known[i]!, level),
    0,
  );
  return Math.max(own - explained, LEAST_ERROR * own);
}

/** Solves a system of a few linear equations by Gaussian elimination with pivots. */
function solve(system: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = system.map((row, i) => [...row, right[i]!]);
  for (let pivot = 0; pivot < rows.length; pivot++) {
    const best = rows.reduce(
      (chosen, row, i) => (i > pivot && Math.abs(row[pivot]!) > Math.abs(rows[chosen]![pivot]!) ? i : chosen),
      pivot,
    );
    [rows[pivot], rows[best]] = [rows[best]!, rows[pivot]!];
    for (const [i, row] of rows.entries()) {
      if (i === pivot) continue;
      const factor = row[pivot]! / rows[pivot]![pivot]!;
      for (let j = pivot; j < row.length; j++) row[j]! -= factor * rows[pivot]![j]!;
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}
