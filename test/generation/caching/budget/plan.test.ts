import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpolatedMoments, krigingError } from "../../../../lib/generation/caching/budget/kriging.ts";
import { planFor } from "../../../../lib/generation/caching/budget/plan.ts";
import { sampleTable } from "../table-file-content.ts";

/** Descending noise levels of 3 to 9 steps. */
const anyLevels = fc
  .uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 2, maxLength: 8 })
  .map((thousandths) => [1, ...thousandths.toSorted((a, b) => b - a).map((each) => each / 1000)]);

/** Lists all ascending sets of `count` steps after `step`, and before `end`. */
function choices(step: number, end: number, count: number): number[][] {
  if (count === 0) return [[]];
  const first = Array.from({ length: Math.max(0, end - step - 1) }, (_, index) => step + 1 + index);
  return first.flatMap((next) => choices(next, end, count - 1).map((rest) => [next, ...rest]));
}

describe("a plan", () => {
  const table = sampleTable();

  test("the least damage of a plan is that of the best of all choices, and its first step is that choice's", () =>
    fc.assert(
      fc.property(anyLevels, (levels) => {
        const plan = planFor(table, levels);
        const steps = levels.length;
        for (let step = 0; step < steps; step++) {
          for (let count = 0; count < steps - step; count++) {
            const damages = choices(step, steps, count).map((computed) => {
              const ends = [...computed, steps];
              const damage = ends.reduce((sum, end, i) => sum + plan.between(ends[i - 1] ?? step, end), 0);
              return { damage, first: computed[0] ?? steps };
            });
            const best = Math.min(...damages.map(({ damage }) => damage));
            const least = plan.least(step, count);
            if (best === Infinity) {
              expect(least).toBe(Infinity);
              continue;
            }
            expect(Math.abs(least - best)).toBeLessThanOrEqual(1e-12 * (1 + best));
            const planned = damages.filter(({ first }) => first === plan.next(step, count));
            expect(Math.min(...planned.map(({ damage }) => damage))).toBeCloseTo(best, 12);
          }
        }
      }),
      { numRuns: 40 },
    ));

  test("the damage of a gap is the squared sum of the errors of its steps, each by its effect on the end", () => {
    const levels = [1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
    const moments = interpolatedMoments(table.levels, table.clean);
    const amplification = [2, 1.8, 1.6, 1.5, 1.4, 1.3, 1.25, 1.25];
    const plan = planFor(table, levels);
    const error = krigingError(moments, [levels[2]!, levels[4]!], levels[3]!);
    const effect = (1 - levels[4]! / levels[3]!) * amplification[3]!;
    // kriging.ts has a ridge, which the closed form of plans leaves out.
    expect(plan.between(2, 4) / (effect ** 2 * error)).toBeCloseTo(1, 2);
  });

  test("neighbouring steps do no damage, and gaps longer than a quarter of the steps are not planned", () => {
    const levels = Array.from({ length: 16 }, (_, step) => 1 - step / 16);
    const plan = planFor(table, levels);
    expect(plan.between(3, 4)).toBe(0);
    expect(plan.between(3, 7)).toBeGreaterThan(plan.between(3, 6));
    expect(plan.between(3, 8)).toBe(Infinity);
    expect(plan.least(0, 15)).toBe(0);
    expect(plan.least(0, 16)).toBe(Infinity);
  });

  test("generations with the same noise levels share one plan", () => {
    const levels = [1, 0.7, 0.3];
    expect(planFor(table, levels)).toBe(planFor(table, [...levels]));
    expect(planFor(sampleTable(), levels)).not.toBe(planFor(table, levels));
  });
});
