import { goalSchema } from "./budget/goal.ts";
import type { CachePolicy } from "./policy.ts";
import type { Measured, SignalName } from "./signals.ts";

/** Signals of a policy that asks for none. */
const UNMEASURED = {} as Measured<SignalName>;

/** Least and largest number of steps that a policy may compute. */
export interface ComputedBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * Returns how many of `totalSteps` a policy computes, as far as that is known before: both bounds are the same for a
 * policy that measures nothing, and for one that was told the number.
 */
export function computedBounds(policy: CachePolicy, totalSteps: number): ComputedBounds {
  if (policy.signals.length === 0) {
    const count = scheduledCount(policy, totalSteps);
    return { least: count, most: count };
  }
  const goal = goalSchema.safeParse(policy.options.goal).data;
  if (goal && "computed_steps" in goal) {
    const count = Math.min(totalSteps, goal.computed_steps);
    return { least: count, most: count };
  }
  const warmup = typeof policy.options.warmup === "number" ? policy.options.warmup : 0;
  return { least: Math.min(totalSteps, Math.max(1, warmup)), most: totalSteps };
}

/** Counts the computed steps of a policy without signals, whose schedule nothing can change. */
function scheduledCount(policy: CachePolicy, totalSteps: number): number {
  let cache = policy.start(totalSteps);
  let count = 0;
  for (let denoisingStep = 0; denoisingStep < totalSteps; denoisingStep++) {
    const { answer, next } = cache.ask({ ...UNMEASURED, denoisingStep, secondsSpent: 0, secondsLeft: null });
    cache = next;
    // The first step has nothing to reuse, whatever the policy says.
    if (answer === "reuse" && count > 0) continue;
    count += 1;
    cache = cache.tell(denoisingStep, UNMEASURED).next;
  }
  return count;
}
