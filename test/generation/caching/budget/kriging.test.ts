/**
 * Weights and errors agree within 1e-9 with the Gaussian processes of scikit-learn 1.8.0 (tools/golden/kriging.py). The
 * error is at least a ten-millionth of the tensor's own mean square, which scikit-learn does not have.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  interpolatedMoments,
  interpolatedValues,
  krigingError,
  krigingWeights,
} from "../../../../lib/generation/caching/budget/kriging.ts";

interface Golden {
  levels: number[];
  kernels: {
    name: string;
    moments: number[][];
    cases: { known: number[]; level: number; weights: number[]; error: number }[];
  }[];
}

const file = new URL("../../../golden/caching/kriging.json", import.meta.url);
const { levels, kernels }: Golden = JSON.parse(readFileSync(file, "utf8"));

describe.each(kernels)("kriging by $name moments", ({ moments: table, cases }) => {
  const moments = interpolatedMoments(levels, table);

  test("the weights of known levels are those of a Gaussian process", () => {
    for (const { known, level, weights } of cases) {
      const ours = krigingWeights(
        moments,
        known.map((index) => levels[index]!),
        levels[level]!,
      );
      expect(ours).toHaveLength(weights.length);
      for (const [i, weight] of weights.entries()) expect(Math.abs(ours[i]! - weight)).toBeLessThan(1e-9);
    }
  });

  test("the expected error is the variance of a Gaussian process, with a least value", () => {
    for (const { known, level, error } of cases) {
      const ours = krigingError(
        moments,
        known.map((index) => levels[index]!),
        levels[level]!,
      );
      const least = 1e-7 * table[level]![level]!;
      expect(Math.abs(ours - Math.max(error, least))).toBeLessThan(1e-9);
    }
  });
});

describe("moments between measured levels", () => {
  const [{ moments: table }] = kernels as [Golden["kernels"][number]];
  const anyLevel = fc.double({ min: 0, max: 1, noNaN: true });

  test("moments at measured levels are the measured ones", () => {
    const moments = interpolatedMoments(levels, table);
    for (const [i, level] of levels.entries())
      for (const [j, other] of levels.entries()) expect(moments(level, other)).toBeCloseTo(table[i]![j]!, 12);
  });

  test("bilinear moments reproduce products of the levels exactly, between the ends", () => {
    const product = levels.map((a) => levels.map((b) => 2 + a - 3 * b + a * b));
    const moments = interpolatedMoments(levels, product);
    const within = (level: number) => Math.min(1, Math.max(levels.at(-1)!, level));
    fc.assert(
      fc.property(anyLevel, anyLevel, (a, b) => {
        const [x, y] = [within(a), within(b)];
        expect(moments(a, b)).toBeCloseTo(2 + x - 3 * y + x * y, 12);
      }),
    );
  });

  test("interpolated values are linear between levels and constant beyond the ends", () => {
    const at = interpolatedValues([1, 0.5, 0.2], [10, 20, 50]);
    expect([1, 0.75, 0.5, 0.35, 0.2, 0].map(at)).toEqual([10, 15, 20, expect.closeTo(35, 12), 50, 50]);
  });
});
