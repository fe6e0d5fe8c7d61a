import type { CachePolicy, Decision, Measurement } from "../../../lib/generation/caching/index.ts";

/** Runs a generation of `steps` steps. Returns its computed steps (1-based) and the decision at each. */
export function replay(policy: CachePolicy, steps: number, measure: (step: number) => Measurement) {
  const computed: number[] = [];
  const decisions: Decision[] = [];
  let cache = policy.start(steps);
  for (let step = 0; step < steps; step++) {
    if (!cache.shouldCompute(step)) continue;
    cache = cache.afterComputed(step, measure(step));
    computed.push(step + 1);
    decisions.push(cache.decision!);
  }
  return { computed, decisions };
}

/** Creates measurements with the same change at every computed step but the first, which has none. */
export function constantChange(change: number, motionScore: number | null = null) {
  return (step: number): Measurement => ({ change: step === 0 ? null : change, motionScore });
}
