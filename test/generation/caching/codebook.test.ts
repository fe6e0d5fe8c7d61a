import { expect, test } from "vitest";
import { type CacheSpeed, codebookFor, rateAt } from "../../../lib/generation/caching/codebook.ts";

const rates = (speed: CacheSpeed, steps: number) => codebookFor(speed, steps).map(({ rate }) => rate);

test("the named codebooks hold the published numbers", () => {
  const rows = (speed: CacheSpeed, steps: number) =>
    codebookFor(speed, steps).map(({ below, rate }) => [below, rate]);
  expect(rows("fast", 30)).toEqual([
    [0.08, 6],
    [0.16, 5],
    [0.24, 4],
    [0.32, 3],
    [0.4, 2],
    [null, 1],
  ]);
  expect(rows("slow", 30)).toEqual([
    [0.08, 3],
    [0.16, 2],
    [null, 1],
  ]);
  expect(rows("fast", 100)).toEqual([
    [0.03, 12],
    [0.05, 10],
    [0.07, 8],
    [0.09, 6],
    [0.11, 4],
    [null, 3],
  ]);
});

test("slow at 100 steps has the published rates 2 and 1", () => {
  expect(rates("slow", 100)).toEqual([2, 1]);
});

test("the codebook of 30 steps serves up to 54 and that of 100 from 55, the nearer ratio", () => {
  expect(rates("fast", 54)).toEqual(rates("fast", 30));
  expect(rates("fast", 55)).toEqual(rates("fast", 100));
});

test("a distance equal to a threshold belongs to the row above it", () => {
  const book = codebookFor("fast", 30);
  expect([0.0799, 0.08, 0.0801].map((distance) => rateAt(book, distance))).toEqual([6, 5, 5]);
});

test("a codebook may have any number of rows, where the authors' code compares with exactly five", () => {
  expect(rateAt([{ below: null, rate: 2 }], 7)).toBe(2);
  const nine = Array.from({ length: 9 }, (_, index) => ({
    below: index === 8 ? null : index + 1,
    rate: 9 - index,
  }));
  expect([0.5, 5.5, 7.5, 99].map((distance) => rateAt(nine, distance))).toEqual([9, 4, 2, 1]);
});

test("an infinite distance takes the last row", () => {
  const book = codebookFor("fast", 100);
  expect([Infinity, Number.NaN].map((distance) => rateAt(book, distance))).toEqual([3, 3]);
});
