import { describe, expect, test } from "vitest";
import { modelReport, verdict } from "../../../tools/bench/model/report.ts";
import {
  modelResultsSchema,
  relativeDistance,
  summariseModelTiming,
} from "../../../tools/bench/model/results.ts";
import { sampleModelResults } from "../sample-results.ts";

const [step, decoder] = sampleModelResults().timings;

describe("a timing beside PyTorch", () => {
  test("a timing beside PyTorch is given as ratios within one round, so that a slow minute slows both sides", () => {
    const { torch, reusedShare } = summariseModelTiming(step!);
    expect(torch[0]).toMatchObject({ form: "float32", ratio: { p10: 1.5, p90: 1.5 }, fastestRatio: 1.5 });
    expect(reusedShare).toMatchObject({ p10: 0.1, median: 0.1, p90: 0.1 });
  });

  test("a form that ran in the first round only is compared with our run of that round", () => {
    const { torch } = summariseModelTiming(step!);
    const halves = { form: "bfloat16", ratio: { p10: 0.5, median: 0.5, p90: 0.5 } };
    expect(torch).toContainEqual(expect.objectContaining({ precision: "float32", ...halves }));
  });

  test("a timing tells what a reused step would cost among all of the model's blocks", () => {
    // Of 100 parts of a step, 10 are outside the blocks; 90 for 2 blocks are 1260 for 28.
    expect(summariseModelTiming(step!).publishedReusedShare?.median).toBeCloseTo(10 / 1270, 12);
  });

  test("a timing has no reused step for a part that is no step", () => {
    expect(summariseModelTiming(decoder!)).toMatchObject({ reusedShare: null, publishedReusedShare: null });
  });
});

describe("the first line of the report", () => {
  const { timings } = sampleModelResults();

  test("the first line of the report says where PyTorch is faster, with the form, the threads and the ratio", () => {
    expect(verdict(timings)).toBe(
      "Where PyTorch is faster (its time / ours): Sample family, computed step, 1 thread: bfloat16 0.50; " +
        "Sample family, decoder run, 2 threads: float32 0.50.",
    );
    expect(modelReport(sampleModelResults()).split("\n\n")[1]).toBe(verdict(timings));
  });

  test("the first line of the report claims nothing where PyTorch was not timed", () => {
    expect(verdict([timings[2]!])).toBe("PyTorch was not timed.");
  });

  test("the first line of the report says when PyTorch was faster in no comparison", () => {
    const { torch, ...step } = timings[0]!;
    const forms = (torch as Exclude<typeof torch, string>).forms.slice(0, 1);
    expect(verdict([{ ...step, torch: { version: "2.15.0", forms } }])).toMatch(/faster in none/);
  });
});

describe("the report", () => {
  const report = modelReport(sampleModelResults());

  test("the report puts each form of PyTorch beside each of our precisions, and marks what we lose", () => {
    expect(report).toMatch(
      /\| 1 \| float32 \| 1\.50 \(1\.50–1\.50\) \| – \| \*\*0\.50\*\* \(0\.50–0\.50\) \| – \|/,
    );
    expect(report).toMatch(/\| 1 \| int8 \| 3\.75 \(3\.75–3\.75\) \| – \| 1\.25 \(1\.25–1\.25\) \| – \|/);
  });

  test("the report says which form of PyTorch did not run, and why", () => {
    expect(report).toContain(
      "- PyTorch's compiled float32 was not timed: no compiler was found. This concerns Sample family (computed step).",
    );
  });

  test("the report holds every part against the aim", () => {
    expect(report).toMatch(
      /Sample family, computed step \| 1\.50 times as fast as float32 with 1 thread \| yes \|/,
    );
    expect(report).toMatch(
      /Sample family, decoder run \| 0\.50 times as fast as float32 with 2 threads \| no \|/,
    );
  });

  test("the report calls nothing met that was not measured, and says why once", () => {
    expect(report).toMatch(/Sample family, text encoder layer \| not measured \| – \|/);
    expect(report.match(/no torch/g)).toHaveLength(1);
  });

  test("the report leaves out absolute step times, which are those of a busy machine", () => {
    expect(report).not.toMatch(/\bms\b/);
  });

  test("the report gives a decoder's memory per pixel, with its weights and Node apart", () => {
    expect(report).toMatch(/\| Sample family \| 2 x 100x50 \| 300 \| 200 \| 5\.0 \|/);
  });

  test("the report has a dash for a run that was not made and for memory that was not measured", () => {
    expect(report).toMatch(/\| Sample family \| full \|.*\| – \| – \|/);
  });
});

describe("the distance of two results", () => {
  test("the distance of two results is the largest difference over the largest expected value", () => {
    expect(relativeDistance([1, 2, -4.5], [1, 2.5, -5])).toBeCloseTo(0.1, 12);
  });

  test("the distance of results with NaN is refused", () => {
    expect(() => relativeDistance([1, Number.NaN], [1, 2])).toThrow(/value 1 is not a number/);
  });

  test("the distance needs as many values on both sides", () => {
    expect(() => relativeDistance([1], [1, 2])).toThrow(/1 values cannot be compared with 2/);
  });
});

test("results survive the round trip through JSON", () => {
  const results = sampleModelResults();
  expect(modelResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
});
