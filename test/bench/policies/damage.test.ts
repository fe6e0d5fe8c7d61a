import { describe, expect, test } from "vitest";
import { weightedSum } from "../../../tools/bench/policies/arrays.ts";
import { damageOf, meanTable, stepsToSkip } from "../../../tools/bench/policies/damage.ts";
import { dampedWeights } from "../../../tools/bench/policies/forecast.ts";

describe("the damage of skipping", () => {
  test("the damage of a gap is the square of the sum of its steps' roots", () => {
    // Step 2 after a computed step 0: its error is 3 times that of a gap of 1.
    const damage = damageOf(
      [[], [0.1], [0.2, 0.6]],
      new Map([
        [1, 4],
        [2, 9],
      ]),
    );
    expect(damage[1]![0]).toBeCloseTo(4, 12);
    expect(damage[2]![0]).toBeCloseTo(9, 12);
    // Steps 1 and 2 after step 0: roots 2 and 3 * 3.
    expect(damage[1]![0]! + damage[2]![1]!).toBeCloseTo((2 + 9) ** 2, 12);
  });

  test("a step that was not skipped alone lies between its neighbours by logarithm", () => {
    const damage = damageOf(
      [[], [1], [1], [1]],
      new Map([
        [1, 1],
        [3, 0.01],
      ]),
    );
    expect(damage[2]![0]).toBeCloseTo(0.1, 12);
  });

  test("a step whose reuse has no error does no damage", () => {
    expect(damageOf([[], [0]], new Map([[1, 0]]))).toEqual([[], [0]]);
  });

  test("up to 31 steps each but the first is skipped alone, and of more the ends and an even share", () => {
    expect(stepsToSkip(5)).toEqual([1, 2, 3, 4]);
    const of100 = stepsToSkip(100);
    expect(of100).toHaveLength(30);
    expect([of100[0], of100.at(-1)]).toEqual([1, 99]);
  });

  test("tables of several prompts are averaged number by number", () => {
    expect(
      meanTable([
        [[], [1]],
        [[], [3]],
      ]),
    ).toEqual([[], [2]]);
    expect(meanTable([])).toEqual([]);
  });
});

describe("the damped forecast", () => {
  test("half of the slope is kept over the real gap", () => {
    // A value that rises by 2 a step, known as 4 at step 2 and 8 at step 4: at step 7 half of the slope gives 8 + 3.
    const kept = [new Float32Array([8]), new Float32Array([4])];
    expect(weightedSum(kept, dampedWeights([4, 2], 7, 0.5))[0]).toBeCloseTo(11, 6);
    expect(weightedSum(kept, dampedWeights([4, 2], 7, 1))[0]).toBeCloseTo(14, 6);
  });

  test("a single kept value is reused as it is", () => {
    expect(dampedWeights([4], 7, 0.5)).toEqual([1]);
    expect(() => weightedSum([new Float32Array(1)], [2, -1])).toThrow(
      "2 weights need as many tensors, and 1 are kept",
    );
  });
});
