import { expect, test } from "vitest";
import {
  type CacheTrace,
  publishedCache,
  publishedCacheSchema,
  publishedColumns,
  publishedExplanations,
  publishedSchedule,
  publishedStepSchema,
  traceOfPublished,
} from "../../../lib/generation/caching/index.ts";
import { sampleTrace } from "../chart/sample-trace.ts";

function publish(trace: CacheTrace) {
  return { steps: trace.steps, schedule: publishedSchedule(trace), cache: publishedCache(trace) };
}

test("a receipt of AdaCache has its columns and options in the words of the API", () => {
  const trace = sampleTrace("fast");
  const { schedule, cache } = publish(trace);
  const computed = trace.schedule.filter((step) => step.computed);
  expect(schedule).toHaveLength(computed.length);
  const { change, motionScore, motionFactor, distance, rate } = computed[1]!;
  expect(schedule[1]).toEqual({
    step: 2,
    change,
    motion_score: motionScore,
    motion_factor: motionFactor,
    distance,
    rate,
  });
  expect(Object.keys(cache)).toEqual(["policy", "codebook", "motion", "warmup_steps", "forecast"]);
  expect(cache).toMatchObject({ policy: "fast", codebook: trace.codebook, motion: trace.motion });
});

test("a receipt of another policy has no member of AdaCache's", () => {
  const { schedule, cache } = publish(sampleTrace("static:3"));
  expect(schedule[0]).toEqual({ step: 1 });
  expect(cache).toEqual({ policy: "static:3", interval: 3, warmup_steps: 0, forecast: false });
  expect(publish(sampleTrace("off")).cache).toEqual({ policy: "off" });
});

test.each(["computed_steps:12", "fast", "slow", "static:3", "off"])(
  "the trace of %s comes back from its receipt",
  (name) => {
    const trace = sampleTrace(name);
    expect(traceOfPublished(trace.model, publish(trace))).toEqual(trace);
  },
);

test.each(["auto", "at_most:60s", "fast", "static:3", "off"])(
  "the API's document names all that a receipt of %s has",
  (name) => {
    const { schedule, cache } = publish(sampleTrace(name));
    for (const line of schedule) expect(publishedStepSchema.parse(line)).toEqual(line);
    expect(publishedCacheSchema.parse(cache)).toEqual(cache);
  },
);

test("the columns that a page names are those of receipts, each with a sentence", () => {
  const receipt = publish(sampleTrace("fast")).schedule[0]!;
  const keys = publishedColumns.map(({ key }) => key);
  expect(keys).toEqual(expect.arrayContaining(Object.keys(receipt).slice(1)));
  expect(new Set(keys).size).toBe(keys.length);
  for (const { description } of publishedColumns) expect(description).toMatch(/^[A-Z].*\.$/);
  expect(publishedExplanations).toMatchObject({
    interval: expect.stringMatching(/\.$/),
    codebook: expect.stringMatching(/\.$/),
  });
});
