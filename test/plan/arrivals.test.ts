import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArrivalOptions, drawArrivals, PROFILES, type Profile } from "../../tools/plan/arrivals.ts";

const profiles = Object.keys(PROFILES) as Profile[];
const draw = (options: Partial<ArrivalOptions>) =>
  drawArrivals({ videosPerDay: 1000, days: 30, profile: "flat", seed: 1, ...options });

test("arrivals are ascending and the same for the same seed", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...profiles), (seed, profile) => {
      const arrivals = draw({ seed, profile, days: 2 });
      expect(arrivals).toEqual(draw({ seed, profile, days: 2 }));
      expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
      expect(arrivals[0]).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 30 },
  );
});

test("another seed draws other arrivals", () => {
  expect(draw({ seed: 2 })).not.toEqual(draw({ seed: 3 }));
});

test("the average number of arrivals a day is as asked, for every profile", () => {
  for (const profile of profiles) {
    expect(draw({ profile, days: 365 }).length / 365 / 1000, profile).toBeCloseTo(1, 1);
  }
});

describe("a profile", () => {
  const share = (arrivals: readonly number[], isCounted: (hour: number) => boolean) =>
    arrivals.filter((at) => isCounted((at / 3600) % 24)).length / arrivals.length;

  test("the flat profile is flat", () => {
    expect(share(draw({}), (hour) => hour >= 8 && hour < 18)).toBeCloseTo(10 / 24, 1);
  });

  test("the office profile has nine in ten arrivals from 8 to 18 o'clock", () => {
    const arrivals = draw({ profile: "office" });
    expect(share(arrivals, (hour) => hour >= 8 && hour < 18)).toBeCloseTo(0.9, 1);
    expect(share(arrivals, (hour) => hour < 8)).toBeCloseTo(0.06, 1);
  });

  test("the bursts profile has twenty arrivals within a minute", () => {
    const arrivals = draw({ profile: "bursts", videosPerDay: 40 });
    expect(arrivals.length % 20).toBe(0);
    expect(arrivals[19]! - arrivals[0]!).toBeLessThan(60);
  });
});

test("the gaps of a flat day are exponential: their mean equals their deviation", () => {
  const arrivals = draw({ days: 200 });
  const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
});
