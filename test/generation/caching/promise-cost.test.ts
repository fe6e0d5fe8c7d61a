import fc from "fast-check";
import { expect, it } from "vitest";
import { keptShare, promiseCost } from "../../../lib/generation/caching/index.ts";
import { sampleTable } from "./table-file-content.ts";

it("a promise costs what its budget computes, between two rungs a share of both", () => {
  const table = sampleTable([1, 0.5]);
  const ladder = table.ladders[1]!; // promises 25 dB at 8 computed steps, and 40 dB at 17.25
  expect(promiseCost(table, ladder, 40)).toBeCloseTo(17.25, 9);
  expect(promiseCost(table, ladder, 32.5)).toBeCloseTo((8 + 17.25) / 2, 9);
  expect(promiseCost(table, ladder, 20)).toBe(8);
  expect(promiseCost(table, ladder, 41)).toBeNull();
});

it("promises are kept for 95 % of videos from 19 prompts on, and for n of n + 1 before", () => {
  expect([1, 4, 10, 18].map(keptShare)).toEqual([1 / 2, 4 / 5, 10 / 11, 18 / 19]);
  fc.assert(
    fc.property(fc.integer({ min: 19, max: 5000 }), (videos) => {
      expect(keptShare(videos)).toBeGreaterThanOrEqual(0.95 - 1e-12);
      expect(keptShare(videos)).toBeLessThan(0.98);
    }),
  );
});

it("the share that prompts stand behind is the share of further videos above the promise, on drawn qualities", () => {
  // Of ranks of n + 1 exchangeable videos, the last one is equally likely at each.
  for (const videos of [10, 19, 40]) {
    const below = Math.round((1 - keptShare(videos)) * (videos + 1));
    const ranks = Array.from({ length: videos + 1 }, (_, rank) => rank);
    const kept = ranks.filter((rank) => rank >= below).length;
    expect(kept / (videos + 1)).toBeCloseTo(keptShare(videos), 12);
  }
});
