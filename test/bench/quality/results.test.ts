import { describe, expect, test } from "vitest";
import { methodsFor } from "../../../tools/bench/methods.ts";
import {
  type QualityRun,
  qualityResultsSchema,
  runsOf,
  stepCountsOf,
  summarise,
  summariseByMotion,
} from "../../../tools/bench/quality/results.ts";
import { sampleQualityResults } from "../sample-results.ts";

const run = (changes: Partial<QualityRun>): QualityRun => ({
  prompt: 0,
  steps: 30,
  method: "AdaCache fast",
  computed: 10,
  denoiseSeconds: 1,
  referenceSeconds: 3,
  psnr: 40,
  ssim: 0.99,
  ...changes,
});

describe("identical videos", () => {
  test("identical videos are counted, left out of the mean, and above every finite value elsewhere", () => {
    const { psnr, identical, videos } = summarise([
      run({ psnr: 30 }),
      run({ psnr: null }),
      run({ psnr: 40 }),
    ]);
    expect({ identical, videos }).toEqual({ identical: 1, videos: 3 });
    expect(psnr.mean).toBe(35);
    expect(psnr.least).toBe(30);
  });

  test("a method with identical videos only has no mean", () => {
    const { psnr } = summarise([run({ psnr: null }), run({ psnr: null })]);
    expect(psnr).toEqual({ mean: null, p10: Infinity, least: Infinity });
  });

  test("infinite values survive the round trip through JSON", () => {
    const results = sampleQualityResults();
    expect(qualityResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
  });
});

test("the speedup is a ratio of adjacent timings, and its median ignores one slow minute", () => {
  const runs = [
    run({ denoiseSeconds: 1, referenceSeconds: 3 }),
    run({ denoiseSeconds: 10, referenceSeconds: 30 }),
    run({ denoiseSeconds: 9, referenceSeconds: 3 }),
  ];
  expect(summarise(runs).speedup.median).toBe(3);
});

test("computed steps are summarised by mean, deviation and range", () => {
  const { computed } = summarise([run({ computed: 9 }), run({ computed: 10 }), run({ computed: 14 })]);
  expect(computed).toMatchObject({ mean: 11, least: 9, most: 14 });
  expect(computed.deviation).toBeCloseTo(Math.sqrt(7), 12);
});

test("every run of a method belongs to exactly one motion group", () => {
  const results = sampleQualityResults();
  const method = methodsFor(30).at(-1)!;
  const runs = runsOf(results, 30, method);
  const groups = summariseByMotion(results, runs);
  expect([...groups.keys()]).toEqual(["still", "slow", "fast", "bounce"]);
  expect([...groups.values()].map(({ computed }) => computed.mean)).toEqual([15, 16, 17, 18]);
  expect(stepCountsOf(results)).toEqual([30, 100]);
});
