/**
 * Decisions are those of EasyCache (H-EmbodVis/EasyCache 5127804) on the sequences of test/golden/rival-policies.json,
 * which tools/golden/rival_policies.py made.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startBudget } from "../../../../lib/generation/caching/budget/start.ts";
import { plainFacts } from "../../../../lib/generation/caching/facts.ts";
import type { Goal } from "../../../../lib/generation/caching/index.ts";
import { runSchedule } from "./run-schedule.ts";

interface Golden {
  sequences: { steps: number; latent: number[][]; output: number[][] }[];
  cases: {
    rule: string;
    sequence: number;
    options: { threshold: number; first: number; last: number };
    computed: number[];
  }[];
}

const file = new URL("../../../golden/rival-policies.json", import.meta.url);
const { sequences, cases }: Golden = JSON.parse(readFileSync(file, "utf8"));
const ours = { threshold: 0.2, first: 2, last: 1 };
const easyCache = cases.filter(
  ({ rule, options }) => rule === "easycache" && JSON.stringify(options) === JSON.stringify(ours),
);

const size = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
const distance = (a: readonly number[], b: readonly number[]) => size(a.map((value, i) => value - b[i]!));
const begin = (goal: Goal | null, steps: number, forecast = false) =>
  startBudget({ goal, computesAll: false, forecast }, steps, plainFacts(steps));

describe("a budget without a table", () => {
  test.each(easyCache)("the budget computes the steps of EasyCache on sequence $sequence", (golden) => {
    const { steps, latent, output } = sequences[golden.sequence]!;
    const { computed } = runSchedule({
      state: begin(null, steps),
      steps,
      before: (step) => ({ latentChange: step === 0 ? null : distance(latent[step]!, latent[step - 1]!) }),
      after: (step, [last]) => ({
        latentDistance: last === undefined ? null : distance(latent[step]!, latent[last]!),
        predictionChange: last === undefined ? null : distance(output[step]!, output[last]!),
        predictionSize: size(output[step]!),
      }),
    });
    expect(computed).toEqual(golden.computed);
    expect(computed.length).toBeLessThan(steps / 2);
  });

  test("six recorded sequences have the options of this policy", () => {
    expect(easyCache).toHaveLength(6);
  });

  test("steps whose signals are not numbers, or are missing, are computed", () => {
    for (const value of [Number.NaN, null]) {
      const { computed } = runSchedule({
        state: begin(null, 12),
        steps: 12,
        before: () => ({ latentChange: value }),
        after: () => ({ latentDistance: value, predictionChange: value, predictionSize: value }),
      });
      expect(computed).toHaveLength(12);
    }
    const sometimes = runSchedule({
      state: begin(null, 12),
      steps: 12,
      before: (step) => ({ latentChange: step >= 5 ? Number.NaN : 1e-9 }),
      after: (_, { length }) => ({
        predictionSize: 1,
        ...(length > 0 && { latentDistance: 1, predictionChange: 1 }),
      }),
    });
    expect(sometimes.computed).toEqual([0, 1, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("a limited number of steps is computed exactly, with the last step among them, forecasts or not", () => {
    for (const steps of [...Array(40).keys()].map((index) => index + 1).concat(50, 77, 120)) {
      for (let count = 1; count <= steps; count++) {
        const state = begin({ computed_steps: count }, steps, (steps + count) % 2 === 0);
        const { computed } = runSchedule({ state, steps });
        if (computed.length !== count) expect({ steps, count, computed }).toBe("exact");
        if (count > 1 && computed.at(-1) !== steps - 1) expect({ steps, count, computed }).toBe("to the end");
      }
    }
  });

  test("the gaps between a limited number of steps grow", () => {
    const { computed } = runSchedule({ state: begin({ computed_steps: 12 }, 100), steps: 100 });
    const gaps = computed.slice(1).map((step, i) => step - computed[i]!);
    expect(gaps).toEqual(gaps.toSorted((a, b) => a - b));
    expect(gaps.at(-1)).toBeGreaterThan(3 * gaps[1]!);
  });

  test("a second transformer goes on with the steps that the first one left", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 4, max: 60 })
          .chain((steps) =>
            fc.tuple(
              fc.constant(steps),
              fc.integer({ min: 2, max: steps - 1 }),
              fc.integer({ min: 3, max: steps }),
            ),
          ),
        ([steps, firstStep, count]) => {
          const goal = { computed_steps: count };
          const first = runSchedule({ state: begin(goal, steps), steps: firstStep });
          const computedBefore = first.computed.length;
          const facts = { ...plainFacts(steps), firstStep, computedBefore };
          const state = startBudget({ goal, computesAll: false, forecast: false }, steps, facts);
          const second = runSchedule({ state, steps, from: firstStep });
          expect(second.computed[0]).toBe(firstStep);
          expect(computedBefore + second.computed.length).toBeLessThanOrEqual(
            Math.max(count, computedBefore + 1),
          );
        },
      ),
    );
  });
});
