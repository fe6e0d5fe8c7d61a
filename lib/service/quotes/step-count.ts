import type { MeasuredRun } from "./measured-run.ts";
import type { Range } from "./quote.ts";
import { boundsOf, median } from "./ranks.ts";

/** Least and largest number of computed steps that a caching policy may come to; the same where it is known before. */
export interface StepBounds {
  readonly least: number;
  readonly most: number;
}

export interface CountedRequest {
  readonly steps: number;
  readonly policy: string;
  /** Returns the bounds for a number of evaluations. */
  readonly computed: (evaluations: number) => StepBounds;
}

export interface StepCount {
  readonly total: number;
  readonly computed: Range;
  /** True if runs or the policy told it; false if it is only between its bounds. */
  readonly isKnown: boolean;
}

/**
 * Returns the evaluations of a request and how many of them are computed: by its policy where that knows, else as in
 * the runs with the same policy and as many steps, else in the share of those with other steps.
 */
export function stepCount(
  { steps, policy, computed }: CountedRequest,
  runs: readonly MeasuredRun[],
): StepCount {
  const newest = runs.findLast((run) => run.steps === steps) ?? runs.at(-1);
  // A sampler makes the same number of additional evaluations, whatever the number of steps.
  const total = steps + (newest ? Math.max(0, newest.evaluations - newest.steps) : 0);
  const { least, most } = computed(total);
  if (least === most) return { total, computed: { expected: least, low: least, high: least }, isKnown: true };
  const same = runs.filter((run) => run.policy === policy);
  const likewise = same.filter((run) => run.steps === steps);
  const counts =
    likewise.length > 0
      ? likewise.map((run) => run.computed)
      : same.map((run) => (run.computed / run.evaluations) * total);
  const within = (count: number) => Math.min(most, Math.max(least, count));
  const middle = median(counts);
  if (middle === null) {
    return { total, computed: { expected: (least + most) / 2, low: least, high: most }, isKnown: false };
  }
  const { low, high } = boundsOf(counts, { low: least, high: most });
  return {
    total,
    computed: {
      expected: within(middle),
      low: within(Math.floor(low)),
      high: within(Math.ceil(high)),
    },
    isKnown: true,
  };
}
