import type { Generation } from "./generation.ts";

/** Savings by caching, estimated from the computed steps of the generation itself. */
export interface Savings {
  /** Number of computed steps. */
  readonly computed: number;
  /** Median seconds of a computed step. */
  readonly computedStepSeconds: number;
  /** Estimated seconds of computing every step, each at the median, over the seconds that all steps took. */
  readonly savedRatio: number;
}

/**
 * Estimates the savings of a generation without a second run; the estimate is as good as the median of its computed
 * steps.
 */
export function savings({ trace, stepSeconds }: Pick<Generation, "trace" | "stepSeconds">): Savings {
  const computedSeconds = stepSeconds.filter((_, step) => trace.schedule[step]!.computed);
  const computedStepSeconds = median(computedSeconds);
  const total = stepSeconds.reduce((sum, seconds) => sum + seconds, 0);
  return {
    computed: computedSeconds.length,
    computedStepSeconds,
    savedRatio: (computedStepSeconds * trace.steps) / total,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
