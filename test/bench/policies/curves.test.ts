import { describe, expect, test } from "vitest";
import { comparisonOf, qualityAt } from "../../../tools/bench/policies/curves.ts";
import {
  bestAt,
  differenceAt,
  differenceFrom,
  verdictOf,
} from "../../../tools/bench/policies/differences.ts";
import { decibelsOf, summarisePolicy } from "../../../tools/bench/policies/results.ts";
import { sampleMethod, sampleResults, sampleRun } from "./sample-policies.ts";

/** Two curves on three prompts: `two` is 3 dB better than `one` at every time and prompt. */
function twoCurves() {
  const methods = ["one", "two"].flatMap((group) =>
    ["slow", "fast"].map((label) => sampleMethod(group, label)),
  );
  const runs = methods.flatMap(({ group, label }) =>
    [0, 1, 2].map((prompt) =>
      sampleRun({
        prompt,
        group,
        label,
        denoiseSeconds: label === "slow" ? 0.6 : 0.3,
        psnr: (label === "slow" ? 50 : 40) + prompt + (group === "two" ? 3 : 0),
      }),
    ),
  );
  return comparisonOf(sampleResults(3, methods, runs), 30);
}
const all = [0, 1, 2];

describe("quality at a time", () => {
  const [one] = twoCurves().curves;

  test("quality is interpolated between the settings next to a time", () => {
    expect(qualityAt(one!, 0.3, "mean", all)).toBeCloseTo(41, 9);
    expect(qualityAt(one!, 0.4, "mean", all)).toBeCloseTo(41 + 10 / 3, 9);
    expect(qualityAt(one!, 0.6, "worst", all)).toBeCloseTo(50, 9);
    expect(qualityAt(one!, 0.6, "p10", all)).toBeCloseTo(50.2, 9);
  });

  test("quality is not continued beyond the ends of a curve, except by 3 % of the time", () => {
    expect(qualityAt(one!, 0.25, "mean", all)).toBeNull();
    expect(qualityAt(one!, 0.7, "mean", all)).toBeNull();
    expect(qualityAt(one!, 0.295, "mean", all)).toBeCloseTo(41, 9);
  });

  test("a prompt that one method has not run is left out of all", () => {
    const runs = [0, 1].map((prompt) => sampleRun({ prompt }));
    const more = sampleRun({ prompt: 1, group: "two" });
    const results = sampleResults(2, [sampleMethod("one", "a"), sampleMethod("two", "a")], [...runs, more]);
    expect(comparisonOf(results, 30).prompts).toEqual([1]);
  });
});

describe("differences at equal time", () => {
  const comparison = twoCurves();
  const [one, two] = comparison.curves;

  test("a difference that all prompts share is certain", () => {
    const difference = differenceAt(comparison, [two!, one!], 0.45, "mean")!;
    for (const value of Object.values(difference)) expect(value).toBeCloseTo(3, 9);
    expect(verdictOf(difference, 2.9)).toBe("met");
    expect(verdictOf(difference, 3.1)).toBe("missed");
    expect(bestAt(comparison, comparison.curves, 0.45, "p10")).toBe(two);
  });

  test("a curve is compared with a setting at that setting's own time", () => {
    const difference = differenceFrom(comparison, two!, one!.settings[1]!, "worst")!;
    expect(difference.estimate).toBeCloseTo(3, 9);
  });

  test("a goal inside the interval is chance", () => {
    expect(verdictOf({ estimate: 3.5, low: 2, high: 5 }, 3)).toBe("chance");
  });
});

describe("summaries", () => {
  test("the time of a method is all its seconds over those of its references", () => {
    const runs = [
      sampleRun({ denoiseSeconds: 1, referenceSeconds: 2 }),
      sampleRun({ denoiseSeconds: 1, referenceSeconds: 6 }),
    ];
    expect(summarisePolicy(runs).time).toBe(0.25);
  });

  test("an identical video counts as 100 dB", () => {
    expect(decibelsOf({ psnr: null })).toBe(100);
    const { psnr } = summarisePolicy([sampleRun({ psnr: null }), sampleRun({ psnr: 40 })]);
    expect(psnr).toMatchObject({ mean: 70, worst: 40 });
    expect(psnr.deviation).toBeCloseTo(42.4264, 4);
  });
});
