import type {
  CachePolicy,
  CacheState,
  ColumnValues,
  Measured,
} from "../../../lib/generation/caching/index.ts";
import { NOTHING_MEASURED } from "../../../lib/generation/caching/signals.ts";

/** Signals that AdaCache uses. */
export type Measurement = Measured<"change" | "motionScore">;

/** Columns that AdaCache records. */
export type Decision = ColumnValues<"change" | "motionScore" | "motionFactor" | "distance" | "rate">;

/** Returns the answer and the next state of a policy that needs no signals before a step. */
export function ask(cache: CacheState, denoisingStep: number) {
  return cache.ask({ denoisingStep, secondsSpent: 0, secondsLeft: null, ...NOTHING_MEASURED });
}

export function tell(cache: CacheState, denoisingStep: number, measurement: Measurement) {
  const { values, next } = cache.tell(denoisingStep, { ...NOTHING_MEASURED, ...measurement });
  return { decision: values as Decision, next };
}

/** Runs a generation of `steps` steps. Returns its computed steps (1-based) and the decision at each. */
export function replay(policy: CachePolicy, steps: number, measure: (step: number) => Measurement) {
  const computed: number[] = [];
  const decisions: Decision[] = [];
  let cache = policy.start(steps);
  for (let step = 0; step < steps; step++) {
    const { answer, next } = ask(cache, step);
    cache = next;
    if (answer === "reuse") continue;
    const told = tell(cache, step, measure(step));
    cache = told.next;
    computed.push(step + 1);
    decisions.push(told.decision);
  }
  return { computed, decisions };
}

/** Creates measurements with the same change at every computed step but the first, which has none. */
export function constantChange(change: number, motionScore: number | null = null) {
  return (step: number): Measurement => ({ change: step === 0 ? null : change, motionScore });
}
