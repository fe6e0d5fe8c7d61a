import fc from "fast-check";
import { expect, test } from "vitest";
import { createPolicy, off, staticPolicy } from "../../../lib/generation/caching/index.ts";
import { constantChange, replay } from "./replay.ts";

const computeAll = () => createPolicy(off, {});
const computeEvery = (interval: number, warmup = 0) => createPolicy(staticPolicy, { interval, warmup });

const changes = fc.double({ min: 0, max: 2, noNaN: true });

test("the policy off computes every step, whatever is measured", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), changes, (steps, change) => {
      expect(replay(computeAll(), steps, constantChange(change)).computed).toHaveLength(steps);
    }),
  );
});

test("the policy static:3 computes every third step from the first, and the last", () => {
  expect(replay(computeEvery(3), 8, constantChange(1)).computed).toEqual([1, 4, 7, 8]);
  expect(replay(computeEvery(3), 7, constantChange(0)).computed).toEqual([1, 4, 7]);
});

test("a static schedule computes its warm-up and goes on as without one", () => {
  expect(replay(computeEvery(3, 2), 8, constantChange(1)).computed).toEqual([1, 2, 4, 7, 8]);
  expect(replay(computeEvery(3, 5), 8, constantChange(1)).computed).toEqual([1, 2, 3, 4, 5, 7, 8]);
  expect(replay(computeEvery(3, 8), 8, constantChange(1)).computed).toHaveLength(8);
  for (const none of [0, 1]) {
    expect(replay(computeEvery(3, none), 8, constantChange(1)).computed).toEqual([1, 4, 7, 8]);
  }
});

test("the policy static:K with K beyond the run computes its first and last step", () => {
  expect(replay(computeEvery(99), 30, constantChange(1)).computed).toEqual([1, 30]);
  expect(replay(computeEvery(99), 1, constantChange(1)).computed).toEqual([1]);
});

test("a fixed schedule asks for no signal and writes no column", () => {
  for (const policy of [computeAll(), computeEvery(2)]) {
    expect([policy.signals, policy.columns]).toEqual([[], []]);
    expect(replay(policy, 4, constantChange(0.5, 0.25)).decisions[1]).toEqual({});
  }
});

test("an interval below 1 is refused", () => {
  for (const interval of [0, -2, 1.5, Number.NaN]) expect(() => computeEvery(interval)).toThrow(RangeError);
});

test("a warm-up that is not a whole number of steps is refused", () => {
  for (const warmup of [-1, 1.5, Number.NaN, Infinity]) {
    expect(() => computeEvery(3, warmup)).toThrow(RangeError);
  }
});
