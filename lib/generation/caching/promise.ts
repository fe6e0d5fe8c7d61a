/** Compares promises with finished runs. */
import { type Goal, goalSchema } from "./budget/goal.ts";
import type { CachePolicy } from "./policy.ts";

/** A promise with what was predicted when the video was made, and what came true. */
export interface PromiseOutcome {
  readonly asked: Goal;
  /** PSNR in dB that the policy predicts for the video; null if it cannot know. */
  readonly predictedDb: number | null;
  /** Seconds that the run was predicted to take before it began; null if it was not. */
  readonly predictedSeconds: number | null;
  /** PSNR in dB that an audit measured; null without one. */
  readonly auditedDb: number | null;
  /** True if the promise was kept; null if nobody measured it. */
  readonly kept: boolean | null;
}

/** Facts of a finished run that promises are compared with. */
export interface FinishedRun {
  /** Number of computed steps. */
  readonly computed: number;
  /** Seconds of encoding, denoising and decoding together. */
  readonly seconds: number;
  readonly predictedDb?: number | null;
  readonly predictedSeconds?: number | null;
  readonly auditedDb?: number | null;
}

/** Returns the seconds that a policy promises to stay within; null if it promises something else. */
export function promisedSeconds({ options }: Pick<CachePolicy, "options">): number | null {
  const goal = options.goal as Goal | null | undefined;
  return goal && "at_most_seconds" in goal ? goal.at_most_seconds : null;
}

/** Returns what became of the promise of a policy; null if it made none. */
export function promiseOutcome(
  { options }: Pick<CachePolicy, "options">,
  { computed, seconds, predictedDb = null, predictedSeconds = null, auditedDb = null }: FinishedRun,
): PromiseOutcome | null {
  const asked = goalSchema.safeParse(options.goal).data;
  if (!asked) return null;
  return { asked, predictedDb, predictedSeconds, auditedDb, kept: isKept(asked) };

  function isKept(goal: Goal): boolean | null {
    if ("computed_steps" in goal) return computed <= goal.computed_steps;
    if ("at_most_seconds" in goal) return seconds <= goal.at_most_seconds;
    return auditedDb === null ? null : auditedDb >= goal.at_least_db;
  }
}
