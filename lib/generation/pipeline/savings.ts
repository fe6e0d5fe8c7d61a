import type { Generation } from "./pipeline.ts";

/** What caching saved, estimated from the computed steps of the generation itself. */
export interface Savings {
  /** Computed steps. */
  readonly computed: number;
  /** The median. */
  readonly computedStepSeconds: number;
  /** Computing every step, each at the median, over what all steps took. */
  readonly savedRatio: number;
}

/** What a generation saved; it needs no second run to compare with, and is as good as its median. */
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
