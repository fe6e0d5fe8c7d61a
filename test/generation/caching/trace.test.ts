import { expect, test } from "vitest";
import {
  cacheTrace,
  parseCachePolicy,
  type TraceStep,
  traceStep,
} from "../../../lib/generation/caching/index.ts";

function traceOf(spec: string, steps: number, warmup?: number) {
  const policy = parseCachePolicy(spec, { steps, motion: true, warmup });
  const schedule: TraceStep[] = [];
  let cache = policy.start(steps);
  for (let step = 0; step < steps; step++) {
    const computed = cache.shouldCompute(step);
    if (computed) cache = cache.afterComputed(step, { change: step === 0 ? null : 0.1, motionScore: 0.4 });
    schedule.push(traceStep(step, computed ? cache.decision : null));
  }
  return JSON.parse(JSON.stringify(cacheTrace("models/demo", policy, schedule)));
}

test("a trace has one line a step, numbered from 1, with nulls where nothing was measured", () => {
  const trace = traceOf("fast", 30);
  expect(trace).toMatchObject({ model: "models/demo", steps: 30, cache: "fast" });
  expect(trace.schedule.slice(0, 3)).toEqual([
    {
      step: 1,
      computed: true,
      change: null,
      motionScore: 0.4,
      motionFactor: null,
      distance: null,
      rate: null,
    },
    { step: 2, computed: true, change: 0.1, motionScore: 0.4, motionFactor: 1, distance: 0.1, rate: 5 },
    {
      step: 3,
      computed: false,
      change: null,
      motionScore: null,
      motionFactor: null,
      distance: null,
      rate: null,
    },
  ]);
  expect(trace.schedule.at(-1)).toMatchObject({ step: 30, computed: true });
});

test("the last threshold is null, since JSON has no Infinity", () => {
  const policy = parseCachePolicy("fast", { steps: 30, motion: false });
  expect(cacheTrace("models/demo", policy, []).codebook?.at(-1)).toEqual({ below: null, rate: 1 });
  expect(traceOf("slow", 30).codebook).toEqual([
    { below: 0.08, rate: 3 },
    { below: 0.16, rate: 2 },
    { below: null, rate: 1 },
  ]);
});

test("a trace holds the warm-up, and the rate that followed a step inside it", () => {
  const { warmup, schedule } = traceOf("fast", 30, 3);
  expect([warmup, traceOf("fast", 30).warmup]).toEqual([3, 0]);
  expect(schedule.slice(1, 4)).toMatchObject([
    { computed: true, distance: 0.1, rate: 1 },
    { computed: true, distance: 0.1, rate: 5 },
    { computed: false, distance: null, rate: null },
  ]);
});

test("a run without cache has neither codebook nor motion", () => {
  const trace = traceOf("off", 4);
  expect(trace).toMatchObject({ cache: "off", codebook: null, motion: null });
  expect(trace.schedule.every(({ computed }: TraceStep) => computed)).toBe(true);
});
