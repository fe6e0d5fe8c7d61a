import type { Calibration } from "./calibration.ts";
import { type Bench, measurePrompt } from "./measure.ts";
import { type PolicyMethod, policyMethods } from "./methods.ts";
import type { PolicyPrompt } from "./prompts.ts";
import { methodKey, type PolicyRun } from "./results.ts";

/** A prompt at one number of steps, with the methods that are still to be measured. Plain data, for messages. */
export interface Task {
  /** Index of the prompt. */
  readonly index: number;
  readonly prompt: PolicyPrompt;
  /** Keys of methods, in the order of measurement. */
  readonly methods: readonly string[];
  readonly calibration: Calibration;
}

/** Steps of the videos that open the sessions of every policy before anything is timed. */
const WARM_UP_STEPS = 8;

/** Returns what measures tasks on an opened model; each policy is run once before it is first timed. */
export function taskRunner(bench: Bench): (task: Task) => Promise<PolicyRun[]> {
  const warm = new Set<string>();
  return async ({ index, prompt, methods: keys, calibration }) => {
    const methods = methodsOf(keys, calibration.steps);
    for (const method of methods) {
      if (warm.has(method.group)) continue;
      warm.add(method.group);
      await bench.run(method, prompt, { ...calibration, steps: WARM_UP_STEPS });
    }
    const runs = await measurePrompt(bench, prompt, methods, calibration);
    return runs.map((run) => ({ prompt: index, ...run }));
  };
}

function methodsOf(keys: readonly string[], steps: number): PolicyMethod[] {
  const known = new Map(policyMethods(steps).map((method) => [methodKey(method), method]));
  return keys.map((key) => known.get(key)!);
}
