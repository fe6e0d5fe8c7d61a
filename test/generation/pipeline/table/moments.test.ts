import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { descending } from "../../../../lib/generation/pipeline/table/measure-moments.ts";
import { meanMoments, momentsOf, sampleOf } from "../../../../lib/generation/pipeline/table/moments.ts";

const golden = JSON.parse(
  await readFile(join(import.meta.dirname, "../../../golden/caching/table-moments.json"), "utf8"),
);

it("moments of generations, normalised each and then averaged, are those of numpy to 1e-12", () => {
  const generations = (golden.generations as number[][][]).map((steps) =>
    momentsOf(steps.map((step) => Float32Array.from(step))),
  );
  const { moments, square } = meanMoments(generations);
  expect(square / golden.square).toBeCloseTo(1, 12);
  for (const [i, row] of (golden.moments as number[][]).entries())
    for (const [j, value] of row.entries()) expect(moments[i]![j]!).toBeCloseTo(value, 12);
});

it("moments of tensors of two sizes, which two transformers make, are 0 between the two", () => {
  const { moments } = momentsOf([Float32Array.of(1, 1), Float32Array.of(2, 2), Float32Array.of(3, 3, 3)]);
  expect(moments.map((row) => row.map((value) => value > 0))).toEqual([
    [true, true, false],
    [true, true, false],
    [false, false, true],
  ]);
});

it("a sample is no larger than asked for, spread over the whole tensor, and takes elements of every column", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 400 }), (size, most) => {
      const sample = sampleOf(
        Float32Array.from({ length: size }, (_, i) => i),
        most,
      );
      expect(sample.length).toBeLessThanOrEqual(most);
      expect(sample[0]).toBe(0);
      const stride = sample[1] ?? size;
      if (sample.length > 1) expect(sample.at(-1)! + stride).toBeGreaterThanOrEqual(size);
    }),
  );
  const width = 48;
  const columns = Float32Array.from({ length: width * 1000 }, (_, i) => i % width);
  expect(new Set(sampleOf(columns, 2000)).size).toBe(width);
});

it("a level that a sampler evaluates twice counts once, and more levels than a table may have are thinned", () => {
  expect(descending([1, 0.9, 0.9, 0.8, 0.85, 0.7])).toEqual([0, 1, 3, 5]);
  const kept = descending(Array.from({ length: 1000 }, (_, i) => 1 - i / 1000));
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([128, 0, 999]);
  expect(new Set(kept).size).toBe(128);
});
