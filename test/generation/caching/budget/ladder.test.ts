import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bestPromise,
  budgetFor,
  expectedPsnr,
  promisedPsnr,
} from "../../../../lib/generation/caching/budget/ladder.ts";
import { gaussianNoise } from "../../../../lib/generation/sampling/index.ts";
import { sampleTable } from "../table-file-content.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("the PSNR that a budget promises", () => {
  test.each([
    [1, 1],
    [18, 1],
    [39, 2],
    [40, 2],
    [59, 3],
    [100, 5],
  ])("the promised PSNR of %i videos is number %i from below", (count, rank) => {
    expect(promisedPsnr(upTo(count))).toBe(rank);
  });

  test("a further video reaches the promise of 40 with a probability of 95 %, whatever the distribution", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.2, max: 2, noNaN: true }), (seed, skew) => {
        const tries = 4000;
        const psnr = gaussianNoise(seed, 41 * tries).map((value) => 30 + Math.exp(skew * value));
        let kept = 0;
        for (let i = 0; i < tries; i++) {
          const [further, ...measured] = psnr.subarray(41 * i, 41 * (i + 1));
          if (further! >= promisedPsnr(measured.sort((a, b) => a - b))) kept += 1;
        }
        // The exact probability is 39/41 = 0.951; four standard deviations are 0.0137.
        expect(Math.abs(kept / tries - 39 / 41)).toBeLessThan(0.014);
      }),
      { numRuns: 5, seed: 1 },
    );
  });
});

describe("the budget of a promise", () => {
  const table = sampleTable();

  test("a budget between two rungs is interpolated, and below the lowest it is that of the lowest", () => {
    expect(budgetFor(table, 30, 25)).toBe(25);
    expect(budgetFor(table, 30, 32.5)).toBeCloseTo(32.5, 12);
    expect(budgetFor(table, 30, 40)).toBe(40);
    expect(budgetFor(table, 30, 3)).toBe(25);
  });

  test("a promise above the highest rung has no budget, and neither has a table without rungs", () => {
    expect(budgetFor(table, 30, 40.1)).toBeNull();
    expect(budgetFor({ ...table, ladders: [] }, 30, 20)).toBeNull();
    expect(bestPromise(table, 30)).toBe(40);
  });

  test("a budget for a number of steps that was not measured lies between those of its neighbours, by logarithm", () => {
    const share = Math.log(15 / 8) / Math.log(30 / 8);
    const [few, many] = [budgetFor(table, 8, 28)!, budgetFor(table, 30, 28)!];
    expect(budgetFor(table, 15, 28)).toBeCloseTo((1 - share) * few + share * many, 12);
    expect(budgetFor(table, 4, 27)).toBe(budgetFor(table, 8, 27));
    expect(budgetFor(table, 90, 27)).toBe(budgetFor(table, 30, 27));
  });

  test("a higher budget never promises less, though fewer of its videos may come close", () => {
    const rung = (budget: number, psnr: number) => ({ budget, psnr: [psnr], computed: 9 });
    const ladders = [{ steps: 30, rungs: [rung(20, 30), rung(25, 28), rung(30, 40)] }];
    expect(budgetFor({ ...table, ladders }, 30, 29)).toBe(20);
    expect(budgetFor({ ...table, ladders }, 30, 35)).toBe(27.5);
  });

  test("the PSNR of a damage follows the medians of the rungs, and beyond them one dB by one", () => {
    expect(expectedPsnr(table, 30, 25)).toBe(27.5);
    expect(expectedPsnr(table, 30, 32.5)).toBe(35);
    expect(expectedPsnr(table, 30, 20)).toBe(22.5);
    expect(expectedPsnr(table, 30, 43)).toBe(45.5);
    expect(expectedPsnr({ ...table, ladders: [] }, 30, 43)).toBeNull();
  });
});
