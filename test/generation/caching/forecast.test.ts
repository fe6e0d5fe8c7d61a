import { describe, expect, test } from "vitest";
import { plainFacts } from "../../../lib/generation/caching/facts.ts";
import { withForecast } from "../../../lib/generation/caching/forecast.ts";
import { type CachePolicy, parseCachePolicy } from "../../../lib/generation/caching/index.ts";
import { runSchedule } from "./budget/run-schedule.ts";

const parse = (name: string, steps: number) =>
  parseCachePolicy(name, { steps, motion: false, forecast: false });

/** Runs a policy on clean latents of a few numbers, whose products it is told. */
function run(policy: CachePolicy, steps: number, cleanAt: (step: number) => readonly number[]) {
  const product = (a: number, b: number) => {
    const [x, y] = [cleanAt(a), cleanAt(b)];
    return x.reduce((sum, value, i) => sum + value * y[i]!, 0) / x.length;
  };
  return runSchedule({
    state: policy.start(steps),
    steps,
    after: (step, [last, before]) => ({
      change: 0.01,
      cleanSquare: product(step, step),
      cleanProduct: last === undefined ? null : product(step, last),
      cleanProductBefore: before === undefined ? null : product(step, before),
    }),
  });
}

describe("a policy with forecasts", () => {
  const levels = plainFacts(24).noiseLevels;
  const policy = withForecast(parse("static:3", 24));

  test("clean latents on a line are followed in full: the slope of the residuals is not damped", () => {
    const { weights } = run(policy, 24, (step) => [3 - 2 * levels[step]!, levels[step]!]);
    // After steps 0, 3 and 6 are computed, the forecast of step 6 has been compared.
    expect(weights[7]).toEqual([expect.closeTo(4 / 3, 12), expect.closeTo(-1 / 3, 12)]);
    expect(weights[8]).toEqual([expect.closeTo(5 / 3, 12), expect.closeTo(-2 / 3, 12)]);
  });

  test("clean latents that go back and forth are not forecast: the last residual is reused as it is", () => {
    const { weights } = run(policy, 24, (step) => [step % 2 === 0 ? 1 : -1]);
    expect(weights[7]!.map(Math.abs)).toEqual([1, 0]);
    expect(weights[8]!.map(Math.abs)).toEqual([1, 0]);
  });

  test("the damping is half that of before and half the best gain of the last forecast", () => {
    // Computed steps 0, 3, 6, 9 at 0, 2, 3, 3: gains 1/2, then 0, so that 1/4 of the slope is followed.
    const values: Record<number, number> = { 0: 0, 3: 2, 6: 3, 9: 3 };
    const { weights } = run(policy, 24, (step) => [values[step] ?? 3]);
    expect(weights[7]![1]).toBeCloseTo(-(1 / 2) / 3, 12);
    expect(weights[10]![1]).toBeCloseTo(-(1 / 4) / 3, 12);
  });

  test("one residual cannot be forecast, and half the slope of two is followed while no forecast was tested", () => {
    const { weights } = run(policy, 24, (step) => [levels[step]!]);
    expect(weights.slice(1, 3)).toEqual([[1], [1]]);
    expect(weights[4]).toEqual([expect.closeTo(1 + 1 / 6, 12), expect.closeTo(-1 / 6, 12)]);
  });

  test("no more than two steps in a row are reused until a forecast was tested", () => {
    const { computed } = run(withForecast(parse("static:6", 24)), 24, (step) => [levels[step]!]);
    expect(computed.slice(0, 3)).toEqual([0, 3, 6]);
    expect(Math.max(...computed.slice(1).map((step, i) => step - computed[i]!))).toBe(6);
  });

  test("measurements that are not numbers turn the forecast off, and leave weights that are numbers", () => {
    const { weights } = run(policy, 24, () => [Number.NaN]);
    for (const each of weights) if (each) expect(each.every(Number.isFinite)).toBe(true);
    expect(weights[8]!.map(Math.abs)).toEqual([1, 0]);
  });

  test.each(["static:3", "slow", "fast", "off"])(
    "%s keeps its schedule where it reuses no more than two in a row",
    (name) => {
      const plain = parse(name, 24);
      const wrapped = withForecast(plain);
      expect(wrapped.residuals).toBe(2);
      expect(wrapped.signals).toEqual(expect.arrayContaining([...plain.signals, "cleanSquare"]));
      const [before, after] = [plain, wrapped].map(
        (each) => run(each, 24, (step) => [levels[step]!]).computed,
      );
      const gaps = before!.slice(1).map((step, i) => step - before![i]!);
      if (Math.max(...gaps) <= 3) expect(after).toEqual(before);
      else expect(after!.slice(0, 2)).toEqual([0, 1].map((i) => Math.min(before![i]!, 3 * i)));
    },
  );
});
