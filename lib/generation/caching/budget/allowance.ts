/** Counts the steps that a goal still allows to compute. */
import type { GenerationFacts, StepAhead } from "../facts.ts";
import type { Goal } from "./goal.ts";

/** Share of the time that is planned; the rest is for steps that take longer than those before. */
const PLANNED_SHARE = 0.95;

/** Pace of a generation, as it was seen so far. */
export interface Pace {
  /** Steps computed so far. */
  readonly computed: number;
  /** Seconds of a computed and of a reused step; null if none was timed. */
  readonly computedSeconds: number | null;
  readonly reusedSeconds: number | null;
  /** Clock before the last step; null before the first. */
  readonly before: { readonly seconds: number; readonly isComputed: boolean } | null;
}

export function firstPace({ computedBefore, stepSeconds }: GenerationFacts): Pace {
  return {
    computed: computedBefore,
    computedSeconds: stepSeconds?.computed ?? null,
    reusedSeconds: stepSeconds?.reused ?? null,
    before: null,
  };
}

/** Times the step that has ended. A slow step counts in full and a fast one by half, as some machines vary. */
export function timed(pace: Pace, { secondsSpent }: Pick<StepAhead, "secondsSpent">): Pace {
  if (pace.before === null) return pace;
  const seconds = secondsSpent - pace.before.seconds;
  const slower = (known: number | null) =>
    known === null ? seconds : Math.max(seconds, (known + seconds) / 2);
  return pace.before.isComputed
    ? { ...pace, computedSeconds: slower(pace.computedSeconds) }
    : { ...pace, reusedSeconds: slower(pace.reusedSeconds) };
}

/** Returns whether a goal limits the number of computed steps. */
export function isLimited(goal: Goal | null): boolean {
  return goal !== null && ("computed_steps" in goal || "at_most_seconds" in goal);
}

/**
 * Returns how many of the steps from `denoisingStep` on may be computed; Infinity if the goal does not limit them.
 */
export function allowedSteps(
  goal: Goal | null,
  { computed, computedSeconds, reusedSeconds }: Pace,
  { denoisingStep, secondsLeft }: StepAhead,
  totalSteps: number,
): number {
  if (goal === null) return Infinity;
  if ("computed_steps" in goal) return Math.max(0, goal.computed_steps - computed);
  if (!("at_most_seconds" in goal) || secondsLeft === null || computedSeconds === null) return Infinity;
  const reused = Math.min(reusedSeconds ?? 0, computedSeconds);
  const left = secondsLeft * PLANNED_SHARE - (totalSteps - denoisingStep) * reused;
  return left <= 0 ? 0 : Math.floor(left / Math.max(computedSeconds - reused, 1e-6));
}
