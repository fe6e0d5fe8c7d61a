import { expect, test } from "vitest";
import { type CacheState, parseCachePolicy } from "../../../lib/generation/caching/index.ts";

/** Signals of a step. */
interface Recorded {
  readonly latentChange: number | null;
  readonly prediction: number;
}

/** Records a run whose latent moves by 0.1 a step and whose prediction, of size 1, moves by `change(step)`. */
function recordedRun(steps: number, change: (step: number) => number): Recorded[] {
  let prediction = 0;
  return Array.from({ length: steps }, (_, step) => {
    prediction += step === 0 ? 0 : change(step);
    return { latentChange: step === 0 ? null : 0.1, prediction };
  });
}

function replay(spec: string, run: readonly Recorded[], warmup = 0) {
  const policy = parseCachePolicy(spec, { steps: run.length, motion: true, warmup });
  let cache: CacheState = policy.start(run.length);
  let last: Recorded | null = null;
  const steps: { step: number; estimate: number | null }[] = [];
  for (const [denoisingStep, recorded] of run.entries()) {
    const { latentChange, prediction } = recorded;
    const ahead = { denoisingStep, secondsSpent: 0, secondsLeft: null, latentChange, latentSize: null };
    const { answer, next } = cache.ask(ahead);
    cache = next;
    if (answer === "reuse") continue;
    const told = cache.tell(denoisingStep, {
      change: null,
      motionScore: null,
      predictionChange: last && Math.abs(prediction - last.prediction),
      predictionSize: 1,
    });
    cache = told.next;
    last = recorded;
    steps.push({ step: denoisingStep + 1, estimate: told.values.estimate ?? null });
  }
  return steps;
}

const computed = (...args: Parameters<typeof replay>) => replay(...args).map(({ step }) => step);

test("a step is computed once the estimates since the last computed one reach the threshold", () => {
  const steps = replay(
    "easycache:0.25",
    recordedRun(12, () => 0.1),
  );
  expect(steps.map(({ step }) => step)).toEqual([1, 2, 5, 8, 11, 12]);
  expect(steps[1]!.estimate).toBeNull();
  expect(steps[2]!.estimate).toBeCloseTo(0.3, 12);
});

test("fewer steps are reused where the prediction moves more for the same change of the latent", () => {
  const growing = computed(
    "easycache:0.25",
    recordedRun(12, (step) => (step > 5 ? 0.3 : 0.05)),
  );
  expect(growing).toEqual([1, 2, 7, 10, 11, 12]);
});

test("a warm-up computes its steps, and nothing but the threshold counts after it", () => {
  expect(
    computed(
      "easycache:9",
      recordedRun(8, () => 0.1),
      4,
    ),
  ).toEqual([1, 2, 3, 4, 8]);
});

test("an answer changes no state: asked again, a state answers the same", () => {
  const policy = parseCachePolicy("easycache:0.25", { steps: 9, motion: true });
  const measured = { change: null, motionScore: null, predictionChange: 0.1, predictionSize: 1 };
  const ahead = { denoisingStep: 3, secondsSpent: 0, secondsLeft: null, latentChange: 0.1, latentSize: null };
  const state = policy
    .start(9)
    .ask({ ...ahead, denoisingStep: 1 })
    .next.tell(1, measured).next;
  const answers = Array.from({ length: 5 }, () => state.ask(ahead).answer);
  expect(new Set(answers)).toEqual(new Set(["reuse"]));
});

test.each(["easycache", "easycache:0", "easycache:-1", "easycache:12", "easycache:0.00000"])(
  "the policy %s is refused in one sentence",
  (spec) =>
    expect(() =>
      computed(
        spec,
        recordedRun(4, () => 0.1),
      ),
    ).toThrow(/easycache/),
);
