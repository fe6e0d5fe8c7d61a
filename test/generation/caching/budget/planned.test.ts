import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpolatedMoments, krigingWeights } from "../../../../lib/generation/caching/budget/kriging.ts";
import { startBudget } from "../../../../lib/generation/caching/budget/start.ts";
import { plainFacts } from "../../../../lib/generation/caching/facts.ts";
import type { Goal } from "../../../../lib/generation/caching/index.ts";
import { sampleTable } from "../table-file-content.ts";
import { runSchedule } from "./run-schedule.ts";

const table = sampleTable(Array.from({ length: 20 }, (_, i) => 1 - i / 20));
const clean = interpolatedMoments(table.levels, table.clean);
const levelsOf = (steps: number) => Array.from({ length: steps }, (_, step) => 1 - step / steps);
const begin = (goal: Goal | null, steps: number, facts: object = {}) =>
  startBudget({ goal, computesAll: false, forecast: true }, steps, {
    ...plainFacts(steps),
    noiseLevels: levelsOf(steps),
    table,
    ...facts,
  });

/**
 * Makes measurements of a video whose clean latents have the moments of the table, and an error of the forecast that is
 * `surprise` times the expected one.
 */
function videoWith(surprise: number, steps: number) {
  const levels = levelsOf(steps);
  return (step: number, [last, before]: readonly number[]) => {
    const product = (a: number, b: number) => clean(levels[a]!, levels[b]!) * table.cleanSquare;
    const square = product(step, step);
    if (last === undefined) return { cleanSquare: square };
    const withLast = product(step, last);
    if (before === undefined) return { cleanSquare: square, cleanProduct: withLast };
    const withBefore = product(step, before);
    const [a, b] = krigingWeights(clean, [levels[last]!, levels[before]!], levels[step]!) as [number, number];
    // The part of the clean latent that no forecast explains is scaled.
    const explained = a * withLast + b * withBefore;
    return {
      cleanSquare: explained + (square - explained) * surprise ** 2,
      cleanProduct: withLast,
      cleanProductBefore: withBefore,
    };
  };
}

const count = (surprise: number, goal: Goal | null = { at_least_db: 30 }) =>
  runSchedule({ state: begin(goal, 30), steps: 30, after: videoWith(surprise, 30) }).computed.length;

describe("a budget with a table", () => {
  test("a more surprising video computes more steps, and a less surprising one fewer", () => {
    const counts = [0.4, 1, 3].map((surprise) => count(surprise));
    expect(counts[0]).toBeLessThan(counts[1]!);
    expect(counts[1]).toBeLessThan(counts[2]!);
  });

  test("the surprise of a video like those of the table is 1, from the third computed step on", () => {
    const { computed, surprises } = runSchedule({
      state: begin({ at_least_db: 40 }, 30),
      steps: 30,
      after: videoWith(1, 30),
    });
    expect(computed.slice(0, 3)).toEqual([0, 1, 2]);
    expect(surprises.slice(0, 2)).toEqual([null, null]);
    // Squares are told against kriging with a ridge, so errors near the least one differ more.
    for (const surprise of surprises.slice(3)) expect(surprise).toBeCloseTo(1, 0);
  });

  test("a higher promise computes more steps", () => {
    const counts = [26, 32, 39].map((decibels) => count(1, { at_least_db: decibels }));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts[0]).toBeLessThan(counts[2]!);
  });

  test("a limited number of steps is never exceeded, and is reached, whatever is measured", () => {
    const value = fc.oneof(fc.double({ min: -10, max: 10 }), fc.constantFrom(null, Number.NaN, Infinity));
    const signals = fc.record({ cleanSquare: value, cleanProduct: value, cleanProductBefore: value });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.array(signals, { minLength: 40, maxLength: 40 }),
        (steps, any, measured) => {
          const limit = 1 + (any % steps);
          const state = begin({ computed_steps: limit }, steps);
          const { computed } = runSchedule({ state, steps, after: (step) => measured[step]! });
          expect(computed).toHaveLength(limit);
        },
      ),
    );
  });

  test("signals that are not numbers make the budget compute, and nulls plan as for a usual video", () => {
    const nan = { cleanSquare: Number.NaN, cleanProduct: Number.NaN, cleanProductBefore: Number.NaN };
    const broken = runSchedule({ state: begin(null, 30), steps: 30, after: () => nan }).computed;
    const unknown = runSchedule({ state: begin(null, 30), steps: 30 }).computed;
    expect(broken.length).toBeGreaterThan(unknown.length);
    expect(unknown.length).toBeGreaterThanOrEqual(3);
  });

  test("a time is kept on a steady machine, and on one whose steps become slower by up to a tenth", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 50 }),
        fc.double({ min: 0.3, max: 1.2, noNaN: true }),
        fc.double({ min: 1, max: 1.1, noNaN: true }),
        (steps, share, slower) => {
          const pace = (step: number, isComputed: boolean) =>
            (isComputed ? 1 : 0.05) * (step >= steps / 2 ? slower : 1);
          const seconds = steps * share;
          const state = begin({ at_most_seconds: seconds }, steps);
          const { computed, spent } = runSchedule({
            state,
            steps,
            seconds: pace,
            secondsAvailable: seconds,
            after: videoWith(1, steps),
          });
          expect(spent).toBeLessThanOrEqual(seconds);
          const fits = Math.min(steps, Math.floor((seconds * 0.9 - steps * 0.06) / 1.1));
          expect(computed.length).toBeGreaterThanOrEqual(fits);
        },
      ),
    );
  });

  test("states are immutable: asking and telling twice gives the same", () => {
    const run = () => runSchedule({ state, steps: 30, after: videoWith(1.3, 30) });
    const state = begin({ at_least_db: 32 }, 30);
    expect(run()).toEqual(run());
  });

  test("a second transformer begins with a computed step, and counts those of the first", () => {
    const goal = { computed_steps: 10 };
    const first = runSchedule({ state: begin(goal, 30), steps: 9, after: videoWith(1, 30) }).computed;
    const facts = { firstStep: 9, computedBefore: first.length };
    const second = runSchedule({
      state: begin(goal, 30, facts),
      steps: 30,
      from: 9,
      after: videoWith(1, 30),
    });
    expect(second.computed[0]).toBe(9);
    expect(first.length + second.computed.length).toBe(10);
  });

  test("a reused step weighs its residuals by the table's moments, once there are two", () => {
    const { weights, computed } = runSchedule({ state: begin(null, 30), steps: 30, after: videoWith(1, 30) });
    const reused = weights.findIndex((each) => each !== null);
    const known = computed
      .filter((step) => step < reused)
      .toReversed()
      .slice(0, 2);
    const residual = interpolatedMoments(table.levels, table.residual);
    const at = (step: number) => levelsOf(30)[step]!;
    expect(weights[reused]).toEqual(krigingWeights(residual, known.map(at), at(reused)));
  });
});
