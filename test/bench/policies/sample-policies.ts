import { policyMethods, recorded } from "../../../tools/bench/policies/methods.ts";
import { evaluationPrompts } from "../../../tools/bench/policies/prompts.ts";
import type { MeasuredMethod, PolicyResults, PolicyRun } from "../../../tools/bench/policies/results.ts";
import { sampleCircumstances } from "../sample-results.ts";

/** Run with the values that a test does not care about. */
export function sampleRun(changes: Partial<PolicyRun>): PolicyRun {
  return {
    prompt: 0,
    steps: 30,
    group: "one",
    label: "a",
    computed: 10,
    denoiseSeconds: 0.4,
    referenceSeconds: 1,
    psnr: 40,
    ssim: 0.99,
    ...changes,
  };
}

export function sampleMethod(
  group: string,
  label: string,
  role: MeasuredMethod["role"] = "rival",
): MeasuredMethod {
  return { group, label, role, isDefault: true, source: `source of ${group}` };
}

/** Results with the given methods and runs, on the first `prompts` prompts. */
export function sampleResults(
  prompts: number,
  methods: readonly MeasuredMethod[],
  runs: readonly PolicyRun[],
): PolicyResults {
  return {
    kind: "policies",
    circumstances: [sampleCircumstances],
    minutes: 1,
    threads: 1,
    clock: "wall",
    prompts: evaluationPrompts.slice(0, prompts),
    calibrationPrompts: [{ text: "a red ring", seed: 1, motion: null }],
    calibrations: [],
    methods: [...methods],
    runs: [...runs],
  };
}

/** Results of every method on some prompts: quality grows with the share of the time that a method takes. */
export function wholeResults(steps = 30, prompts = 4): PolicyResults {
  const methods = policyMethods(steps).map(recorded);
  const runs = methods.flatMap(({ group, label }, index) =>
    Array.from({ length: prompts }, (_, prompt) => {
      const time = 0.2 + (0.5 * index) / methods.length;
      return sampleRun({ prompt, steps, group, label, denoiseSeconds: time, psnr: 20 + 40 * time + prompt });
    }),
  );
  return sampleResults(prompts, methods, runs);
}
