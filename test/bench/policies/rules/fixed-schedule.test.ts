import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Damages,
  fixedSchedule,
  planSchedule,
} from "../../../../tools/bench/policies/rules/fixed-schedule.ts";
import { replayBlind } from "./replay.ts";

/** Adds up the damages of a schedule, step by step. */
function damageOf(damages: Damages, schedule: readonly number[]): number {
  let sum = 0;
  let newest = 0;
  for (let step = 0; step < damages.length; step++) {
    if (schedule.includes(step)) newest = step;
    else sum += damages[step]![step - newest - 1] ?? Infinity;
  }
  return sum;
}

/** Lists every schedule of `computed` steps that begins with the first, in lexicographic order. */
function schedulesOf(steps: number, computed: number, from = 0): number[][] {
  if (computed === 0) return [[]];
  const firsts =
    from === 0 ? [0] : Array.from({ length: Math.max(0, steps - from) }, (_, index) => from + index);
  return firsts.flatMap((first) =>
    schedulesOf(steps, computed - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

const damages = fc.integer({ min: 1, max: 8 }).chain((steps) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: steps, maxLength: steps }), {
    minLength: steps,
    maxLength: steps,
  }),
);

describe("the planned schedule", () => {
  test("no schedule of as many steps has a smaller sum of damages, and equal sums go to the earlier steps", () => {
    fc.assert(
      fc.property(damages, fc.integer({ min: 1, max: 8 }), (table, wanted) => {
        const computed = Math.min(wanted, table.length);
        const all = schedulesOf(table.length, computed);
        const least = Math.min(...all.map((schedule) => damageOf(table, schedule)));
        const first = all.find((schedule) => damageOf(table, schedule) === least);
        expect(planSchedule(table, computed)).toEqual(first);
      }),
    );
  });

  test("a gap without a damage is never taken", () => {
    const onlyOne = Array.from({ length: 7 }, () => [1]);
    expect(planSchedule(onlyOne, 4)).toEqual([0, 1, 3, 5]);
    expect(() => planSchedule(onlyOne, 3)).toThrow("the damages forbid every schedule of 3 computed steps");
  });

  test("the rule computes the planned steps and no others", () => {
    const { computed, weights } = replayBlind(fixedSchedule([0, 3, 4]), 6);
    expect(computed).toEqual([0, 3, 4]);
    expect([...weights]).toEqual([
      [1, [1]],
      [2, [1]],
      [5, [1]],
    ]);
  });

  test("a plan that cannot be made throws one sentence", () => {
    expect(() => planSchedule([[1], [1]], 3)).toThrow(new RangeError("3 of 2 steps cannot be computed"));
    expect(() => planSchedule([[1], [1]], 0)).toThrow(
      "computed has to be a whole number of at least 1, got 0",
    );
    expect(() => planSchedule([[Number.NaN]], 1)).toThrow("a damage has to be a number of at least 0");
    expect(() => fixedSchedule([1, 2])).toThrow("a schedule has to compute the first step");
  });
});
