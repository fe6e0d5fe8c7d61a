import { expect, test } from "vitest";
import {
  cacheTrace,
  columnsOf,
  explanationOf,
  optionNotes,
  optionsOf,
  parseCachePolicy,
  type TraceStep,
  traceStep,
} from "../../../lib/generation/caching/index.ts";
import { ask, tell } from "./replay.ts";

function traceOf(spec: string, steps: number, warmup?: number) {
  const policy = parseCachePolicy(spec, { steps, motion: true, warmup });
  const schedule: TraceStep[] = [];
  let cache = policy.start(steps);
  for (let step = 0; step < steps; step++) {
    const { answer, next } = ask(cache, step);
    cache = next;
    if (answer === "reuse") {
      schedule.push(traceStep(policy, step, null));
    } else {
      const told = tell(cache, step, { change: step === 0 ? null : 0.1, motionScore: 0.4 });
      cache = told.next;
      schedule.push(traceStep(policy, step, told.decision));
    }
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

test("a trace has the options and columns of its own policy, and nulls for no other's", () => {
  expect(traceOf("off", 2)).toEqual({
    model: "models/demo",
    steps: 2,
    cache: "off",
    schedule: [
      { step: 1, computed: true },
      { step: 2, computed: true },
    ],
  });
  const { schedule, ...described } = traceOf("static:2", 4, 1);
  const options = { interval: 2, warmup: 1, forecast: false };
  expect(described).toEqual({ model: "models/demo", steps: 4, cache: "static:2", ...options });
  expect(schedule[1]).toEqual({ step: 2, computed: false });
});

test("a step that ended a planned reuse is marked as computed early", () => {
  const policy = parseCachePolicy("off", { steps: 30, motion: true });
  expect(traceStep(policy, 4, {}, true)).toEqual({ step: 5, computed: true, early: true });
});

test("columns and options of a trace are told in words", () => {
  const fast = traceOf("fast", 30, 3);
  expect(columnsOf(fast.schedule).map(({ label }) => label)).toEqual([
    "Change",
    "Motion score",
    "Motion factor",
    "Distance",
    "Rate",
  ]);
  expect(optionNotes(optionsOf(fast))).toEqual(["motion regularised", "warm-up 3"]);
  expect(explanationOf(fast)).toContain("The first 3 steps and the last two always are.");
  expect(columnsOf(traceOf("static:2", 4).schedule)).toEqual([]);
  expect(explanationOf(traceOf("static:2", 4))).toContain("chosen before the video was made");
  expect(explanationOf(traceOf("off", 4))).toBe("Every denoising step was computed.");
});
