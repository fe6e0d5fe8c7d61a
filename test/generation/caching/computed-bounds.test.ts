import { expect, test } from "vitest";
import { computedBounds, parseCachePolicy } from "../../../lib/generation/caching/index.ts";

const bounds = (spec: string, steps: number, more: { warmup?: number; modelSteps?: number } = {}) =>
  computedBounds(parseCachePolicy(spec, { steps, motion: false, ...more }), steps);

test.each([
  ["off", 30, 30],
  ["static:3", 30, 11],
  ["static:3", 8, 4],
  ["static:1", 5, 5],
  ["static:9999", 2, 2],
  ["static:2", 1, 1],
  ["computed_steps:12", 30, 12],
  ["auto", 8, 8],
])("the policy %s of %i steps computes %i of them, which is known before", (spec, steps, count) => {
  expect(bounds(spec, steps)).toEqual({ least: count, most: count });
});

test.each(["auto", "fast", "slow", "at_most:60s"])(
  "the policy %s may compute any number of steps",
  (spec) => {
    expect(bounds(spec, 30)).toEqual({ least: 1, most: 30 });
  },
);

test("a warm-up is the least that an adaptive policy computes, and counts in a schedule that is known", () => {
  expect(bounds("fast", 30, { warmup: 5 })).toEqual({ least: 5, most: 30 });
  expect(bounds("static:3", 30, { warmup: 4 })).toEqual({ least: 13, most: 13 });
});
