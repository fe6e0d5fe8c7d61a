/**
 * Spectrum (arXiv 2603.01623; hanjq17/Spectrum f7b7841): computes steps at growing gaps, whatever the video, and
 * forecasts the feature behind the last block by Chebyshev polynomials over time, fitted to all computed steps with a
 * ridge.
 *
 * Facts met in the public code:
 * - The time axis is -1 to 1 for steps 0 to 50, whatever the number of steps; here it is for 0 to N, which is the same
 *   for 50 (utils/basis_utils.py:41).
 * - The ridge shrinks the constant too, so the weights do not sum to 1: with 50 steps and alpha 0.75 a feature that
 *   never changes is forecast 4 to 27 % too small, which the normalisation in the model's head hides
 *   (`_fit_if_needed`).
 * - Times and coefficients are bfloat16 in the authors' code (utils/basis_utils.py:5).
 * - Since publication half of the forecast is a line through the last two (w = 0.5); the configuration's default is w
 *   = 1 (README.md:84, scripts/run_mp_video.sh).
 * - The last step is computed only where the gaps happen to end there (pipelines/wan_forward.py).
 * - All computed features are kept, 14 of 50 steps at alpha 0.75 (`K=100` in utils/__init__.py).
 * - The forecast value is the stream, embedded latent included, and not what the blocks add
 *   (pipelines/wan_forward.py).
 */
import { assertBetween, assertCount, type Rule, ruleOf } from "./rule.ts";
import { taylorWeights } from "./taylor.ts";

export interface SpectrumOptions {
  /** Number of denoising steps. */
  readonly steps: number;
  /** Number of first steps that are always computed. */
  readonly first: number;
  /** Steps from the first computed step after those to the next, at least 1. */
  readonly window: number;
  /** Steps by which the window grows at each computed step, alpha in the paper. */
  readonly growth: number;
  /** Degree of the polynomial. */
  readonly degree: number;
  /** Weight of the squared coefficients in the fit, lambda in the paper; above 0. */
  readonly ridge: number;
  /** Share of the polynomial in the forecast; the rest is a line through the last two values. */
  readonly share: number;
  /**
   * True to scale the weights to a sum of 1. A normalisation behind the forecast stream, as heads have, makes this the
   * same as the authors' forecast; of what the blocks add, it is the form that does not shrink.
   */
  readonly sumsToOne: boolean;
}

const COMMON = { first: 5, window: 2, degree: 4, ridge: 0.1, sumsToOne: true } as const;
/** Setting of the paper for about 3.5x with 50 steps. */
export const SPECTRUM = { ...COMMON, growth: 0.75, share: 1 } as const;
/** Setting of the paper for about 5x with 50 steps. */
export const SPECTRUM_FAST = { ...COMMON, growth: 3, share: 1 } as const;
/** Setting of the authors' scripts since publication. */
export const SPECTRUM_BLENDED = { ...COMMON, growth: 0.75, share: 0.5 } as const;

interface Memory {
  readonly window: number;
  readonly consecutive: number;
  readonly kept: readonly number[];
}

/** Starts Spectrum. Its weights are those of all computed values. */
export function spectrum(options: SpectrumOptions): Rule<void> {
  const { steps, first, window, growth } = options;
  assertCount("steps", steps, 1);
  assertCount("first", first, 1);
  assertBetween("window", window, 1);
  assertBetween("growth", growth, 0);
  assertCount("degree", options.degree, 0);
  assertBetween("share", options.share, 0, 1);
  if (!(options.ridge > 0)) throw new RangeError(`ridge has to be above 0, got ${options.ridge}`);
  return ruleOf<Memory, void, void>(
    { window, consecutive: 0, kept: [] },
    {
      ask(memory, step) {
        if (step < first || memory.kept.length === 0) return { compute: true, memory };
        const compute = (memory.consecutive + 1) % Math.floor(memory.window) === 0;
        return compute
          ? { compute, memory: { ...memory, consecutive: 0, window: rounded(memory.window + growth) } }
          : {
              compute,
              weights: spectrumWeights(memory.kept, step, options),
              memory: { ...memory, consecutive: memory.consecutive + 1 },
            };
      },
      tell: (memory, step) => ({ ...memory, kept: [step, ...memory.kept] }),
    },
  );
}

/** Rounds to three digits, as the authors do against sums such as 0.1 + 0.2. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/**
 * Weights by which kept values give the forecast of a step: those of the ridge regression, blended with a line.
 *
 * With X [kept, degree + 1] the polynomials at the kept steps and x those at the forecast one, the forecast of values
 * Y is x (X'X + ridge I)^-1 X' Y, so that the weights are X (X'X + ridge I)^-1 x.
 *
 * @param kept  computed steps, the newest first
 */
export function spectrumWeights(
  kept: readonly number[],
  at: number,
  { steps, degree, ridge, share, sumsToOne }: Omit<SpectrumOptions, "first" | "window" | "growth">,
): number[] {
  const basisAt = (step: number) => chebyshevAt((2 * step) / steps - 1, degree);
  const design = kept.map(basisAt);
  const normal = design[0]!.map((_, row) =>
    design[0]!.map((_, column) =>
      design.reduce((sum, basis) => sum + basis[row]! * basis[column]!, row === column ? ridge : 0),
    ),
  );
  const solution = solvePositive(normal, basisAt(at));
  const line = taylorWeights(kept.slice(0, 2), at, { order: 1, differencesFrom: 0 });
  const weights = design.map((basis, index) => {
    const fitted = basis.reduce((sum, value, power) => sum + value * solution[power]!, 0);
    return share * fitted + (1 - share) * (line[index] ?? 0);
  });
  const total = sumsToOne ? weights.reduce((sum, weight) => sum + weight, 0) : 1;
  return weights.map((weight) => weight / total);
}

/** Chebyshev polynomials of the first kind up to a degree. */
function chebyshevAt(x: number, degree: number): number[] {
  const values = [1, x];
  for (let order = 2; order <= degree; order++) values.push(2 * x * values[order - 1]! - values[order - 2]!);
  return values.slice(0, degree + 1);
}

/** Solves A x = b for a symmetric positive definite A, by its Cholesky factor. */
function solvePositive(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const size = right.length;
  const lower = matrix.map((row) => row.map(() => 0));
  const x = [...right];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let rest = matrix[row]![column]!;
      for (let k = 0; k < column; k++) rest -= lower[row]![k]! * lower[column]![k]!;
      lower[row]![column] = row === column ? Math.sqrt(rest) : rest / lower[column]![column]!;
    }
    for (let k = 0; k < row; k++) x[row]! -= lower[row]![k]! * x[k]!;
    x[row]! /= lower[row]![row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let k = row + 1; k < size; k++) x[row]! -= lower[k]![row]! * x[k]!;
    x[row]! /= lower[row]![row]!;
  }
  return x;
}
