import {
  type CacheTrace,
  cacheTrace,
  parseCachePolicy,
  type TraceStep,
  traceStep,
} from "../../../lib/generation/caching/index.ts";
import { ask, tell } from "../caching/replay.ts";

/** Creates the trace of a run whose probe changes less towards the middle, with motion scores around 0.36. */
export function sampleTrace(
  cache: string,
  { steps = 30, motion = true, model = "models/demo" } = {},
): CacheTrace {
  const policy = parseCachePolicy(cache, { steps, motion });
  const schedule: TraceStep[] = [];
  let state = policy.start(steps);
  for (let step = 0; step < steps; step++) {
    const { answer, next } = ask(state, step);
    state = next;
    if (answer === "reuse") {
      schedule.push(traceStep(policy, step, null));
    } else {
      const change = step === 0 ? null : 0.02 + 1.2 * (step / steps - 0.5) ** 2;
      const told = tell(state, step, { change, motionScore: 0.36 + 0.03 * Math.sin(step / 4) });
      state = told.next;
      schedule.push(traceStep(policy, step, told.decision));
    }
  }
  return cacheTrace(model, policy, schedule);
}
