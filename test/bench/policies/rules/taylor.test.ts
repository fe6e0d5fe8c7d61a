import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { taylorWeights } from "../../../../tools/bench/policies/rules/taylor.ts";

/** Computed steps, the newest first, and a later step. */
const history = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 })
  .map((steps) => steps.toSorted((a, b) => b - a));

const forecast = (weights: readonly number[], values: readonly number[]) =>
  weights.reduce((sum, weight, index) => sum + weight * values[index]!, 0);

describe("a Taylor ladder", () => {
  test("the weights sum to 1 at every order, so that a constant is forecast as it is", () => {
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        (kept, order, ahead) => {
          const weights = taylorWeights(kept, kept[0]! + ahead, { order, differencesFrom: 0 });
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
        },
      ),
    );
  });

  test("order 1 continues a line over uneven gaps", () => {
    const kept = [11, 7, 2];
    const weights = taylorWeights(kept, 14, { order: 1, differencesFrom: 0 });
    expect(
      forecast(
        weights,
        kept.map((step) => 3 * step - 5),
      ),
    ).toBeCloseTo(3 * 14 - 5, 12);
  });

  test("order 2 forecasts 176 for step 14 of a parabola known at 0, 5 and 10, where 196 is right", () => {
    const kept = [10, 5, 0];
    const weights = taylorWeights(kept, 14, { order: 2, differencesFrom: 0 });
    expect(
      forecast(
        weights,
        kept.map((step) => step * step),
      ),
    ).toBeCloseTo(176, 9);
  });

  test("differences before the first allowed step are not taken", () => {
    expect(taylorWeights([1, 0], 2, { order: 1, differencesFrom: 2 })).toEqual([1, 0]);
    expect(taylorWeights([2, 1, 0], 3, { order: 2, differencesFrom: 2 })).toEqual([2, -1, 0]);
  });
});
