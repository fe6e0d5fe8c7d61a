import { expect, it } from "vitest";
import { cacheTrace, createPolicy, staticPolicy, traceStep } from "../../../lib/generation/caching/index.ts";
import { savings } from "../../../lib/generation/pipeline/index.ts";

const policy = createPolicy(staticPolicy, { interval: 1 });

function generation(computed: readonly boolean[], stepSeconds: readonly number[]) {
  const schedule = computed.map((isComputed, step) => traceStep(policy, step, isComputed ? {} : null));
  return { trace: cacheTrace("tiny", policy, schedule), stepSeconds };
}

it("savings compare all steps at the median computed time with the time that the steps took", () => {
  const made = generation([true, false, true, false, true], [3, 0.5, 2, 0.5, 2]);
  expect(savings(made)).toEqual({ computed: 3, computedStepSeconds: 2, savedRatio: 10 / 8 });
});

it("savings use the mean of the two middle values, and are none for a schedule without reuse", () => {
  const made = generation([true, true], [1, 3]);
  expect(savings(made)).toEqual({ computed: 2, computedStepSeconds: 2, savedRatio: 1 });
});
