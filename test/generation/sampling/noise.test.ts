import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gaussianNoise, MAX_SEED } from "../../../lib/generation/sampling/index.ts";
import { lnOfInteger, normalOfWord } from "../../../lib/generation/sampling/noise.ts";

const seeds = fc.integer({ min: 0, max: MAX_SEED });

describe("noise", () => {
  test.each([
    [0, "d9d20d69c939339995d5df1dbdf7337f87c297e4a8a8ee5ac38cf665db8ae988"],
    [42, "0c600b22a91a837a87c0dbace42bce211ef7e3204fcc9e246d76cc5567e90482"],
    [MAX_SEED, "8c1c816b522d3f681c8eb4f47577496100e78f04200b5f29de43ebee5b5ff88e"],
  ])("the noise of seed %d is the same bytes on every platform", (seed, expected) => {
    const bytes = new Uint8Array(gaussianNoise(seed, 100_000).buffer);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(expected);
  });

  test("the noise of a longer run starts with that of a shorter one", () => {
    fc.assert(
      fc.property(seeds, fc.nat(200), fc.nat(200), (seed, one, other) => {
        const [shorter, longer] = [Math.min(one, other), Math.max(one, other)];
        expect(gaussianNoise(seed, longer).subarray(0, shorter)).toEqual(gaussianNoise(seed, shorter));
      }),
    );
  });

  test("the noise of two seeds differs, also where only their upper bits do", () => {
    fc.assert(
      fc.property(seeds, seeds, (one, other) => {
        fc.pre(one !== other);
        expect(gaussianNoise(one, 8)).not.toEqual(gaussianNoise(other, 8));
      }),
    );
    expect(gaussianNoise(1, 8)).not.toEqual(gaussianNoise(1 + 2 ** 32, 8));
  });

  test("the noise is standard normal: moments and tails of a million values are within four standard errors", () => {
    const count = 1_000_000;
    const sums = [0, 0, 0, 0];
    let beyondThree = 0;
    for (const value of gaussianNoise(7, count)) {
      for (const power of [1, 2, 3, 4]) sums[power - 1]! += value ** power;
      if (Math.abs(value) > 3) beyondThree++;
    }
    const moments = sums.map((sum) => sum / count);
    // The variance of x^k is E x^2k - (E x^k)^2, with E x^2, x^4, x^6, x^8 = 1, 3, 15, 105.
    for (const [index, [mean, variance]] of [
      [0, 1],
      [1, 2],
      [0, 15],
      [3, 96],
    ].entries()) {
      expect(Math.abs(moments[index]! - mean!)).toBeLessThan(4 * Math.sqrt(variance! / count));
    }
    const expected = 0.0026998 * count;
    expect(Math.abs(beyondThree - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });

  test("neighbouring noise values are uncorrelated", () => {
    const noise = gaussianNoise(11, 1_000_000);
    for (const lag of [1, 2, 4]) {
      let sum = 0;
      for (let index = lag; index < noise.length; index++) sum += noise[index]! * noise[index - lag]!;
      expect(Math.abs(sum / noise.length)).toBeLessThan(4 / Math.sqrt(noise.length));
    }
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Infinity])(
    "the noise of seed %d is refused in words for a user",
    (seed) => {
      expect(() => gaussianNoise(seed, 4)).toThrow(
        new RangeError(`seed must be a whole number from 0 to 9007199254740991, got ${seed}`),
      );
    },
  );
});

/** Golden values from mpmath 1.3.0 with 40 digits: sqrt(2) * erfinv(2 * (word + 1/2) / 2^32 - 1). */
test.each([
  [0, -6.3379577545537895],
  [1, -6.166429517819751],
  [1000, -5.0398511259687115],
  [322122546, -1.4395314720898174],
  [322122547, -1.4395314704450153],
  [1000000000, -0.729556553075874],
  [2147483647, -2.918099372916623e-10],
  [2147483648, 2.918099372916623e-10],
  [3972844748, 1.4395314704450153],
  [4294967295, 6.3379577545537895],
])("word %d is the normal value of its quantile within 1e-14 relative", (word, expected) => {
  expect(Math.abs(normalOfWord(word) / expected - 1)).toBeLessThan(1e-14);
});

test("the logarithm from exact operations agrees with the engine's", () => {
  const integers = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(integers, (n) => Math.abs(lnOfInteger(n) - Math.log(n)) < 1e-14),
    { examples: [[1], [2], [3], [2 ** 31], [2 ** 32 - 1]] },
  );
});
