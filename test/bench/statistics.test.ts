import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mean, quantile, spread, standardDeviation } from "../../tools/bench/statistics.ts";

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

test("quantiles interpolate between neighbours as numpy does", () => {
  // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, .1, .25, .5, .9, 1])
  const measured = [3, 1, 4, 1, 5, 9, 2, 6];
  const at = [0, 0.1, 0.25, 0.5, 0.9, 1].map((share) => quantile(measured, share));
  for (const [index, expected] of [1, 1, 1.75, 3.5, 6.9, 9].entries())
    expect(at[index]).toBeCloseTo(expected, 12);
});

test("a quantile lies between the least and the greatest value and never falls as its share rises", () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (measured, share) => {
      const value = quantile(measured, share);
      expect(value).toBeGreaterThanOrEqual(Math.min(...measured));
      expect(value).toBeLessThanOrEqual(Math.max(...measured));
      expect(quantile(measured, share / 2)).toBeLessThanOrEqual(value + 1e-6);
    }),
  );
});

describe("Infinity", () => {
  test("an infinite value is the largest, and does not change the quantiles below it", () => {
    expect(quantile([Infinity, 30, 20, Infinity], 0)).toBe(20);
    expect(quantile([Infinity, 30, 20], 0.5)).toBe(30);
  });

  test("two infinite values interpolate to no NaN", () => {
    expect(quantile([Infinity, Infinity, 20], 0.9)).toBe(Infinity);
  });
});

test("the deviation is the sample's, and the deviation of one value is 0", () => {
  expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(2.138089935, 9);
  expect(standardDeviation([7])).toBe(0);
});

test("a spread is the median with the 10th and the 90th percentile, in any order of the values", () => {
  const measured = Array.from({ length: 11 }, (_, index) => 10 - index);
  expect(spread(measured)).toEqual({ median: 5, p10: 1, p90: 9 });
});

test("the mean and the quantiles of no values throw a RangeError", () => {
  expect(() => mean([])).toThrow(RangeError);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});
