import { describe, expect, test } from "vitest";
import { stepReport } from "../../../tools/bench/step/report.ts";
import { type StepTiming, stepResultsSchema, summariseTiming } from "../../../tools/bench/step/results.ts";
import { sampleStepResults } from "../sample-results.ts";

const [oneThread, twoThreads] = sampleStepResults().timings as [StepTiming, StepTiming];

describe("a ratio of two timings", () => {
  test("a ratio of two timings compares within one round, so that a slow minute slows both sides and not the ratio", () => {
    const { reusedShare, torch } = summariseTiming(oneThread);
    expect(reusedShare.p90).toBeCloseTo(0.02, 12);
    expect(torch).toMatchObject({ ratio: { p10: 1.5, median: 1.5, p90: 1.5 } });
  });

  test("a ratio of two timings needs both sides in every round", () => {
    expect(() => summariseTiming({ ...oneThread, reused: [0.4] })).toThrow(
      /1 rounds cannot be set against 3/,
    );
  });
});

test("PyTorch is timed with the form of attention that was faster", () => {
  expect(summariseTiming(oneThread).torch).toMatchObject({ attention: "fused", step: { median: 30 } });
  const slow = { version: "2.15.0", written: [50, 50, 50], fused: [60, 60, 60] };
  expect(summariseTiming({ ...oneThread, torch: slow }).torch).toMatchObject({ attention: "written" });
});

describe("the report", () => {
  const report = stepReport(sampleStepResults());
  const aim = (start: string) => report.split("\n").find((line) => line.startsWith(`| ${start}`));

  test("the report holds every aim against what was measured", () => {
    expect(aim("A reused step costs at most 3 % of a computed one, 1 thread")).toMatch(/2\.00 %.*\| yes \|$/);
    expect(aim("A reused step costs at most 3 % of a computed one, 2 threads")).toMatch(/5\.00 %.*\| no \|$/);
    expect(aim("Not slower than PyTorch eager, 1 thread")).toMatch(/1\.50.*\| yes \|$/);
    expect(aim("Command to MP4 in under 15 s on two cores, cache fast")).toMatch(/2\.5.*\| yes \|$/);
    expect(aim("Command to MP4 in under 15 s on two cores, cache off")).toMatch(/15\.2.*\| no \|$/);
  });

  test("the report sets steps without guidance beside steps with it, round by round", () => {
    expect(report).toMatch(/\| 1 \| computed \| 20\.0 .* \| 10\.0 .* \| 2\.00 \(2\.00–2\.00\) \|/);
    expect(report).toMatch(/\| 1 \| reused \| 0\.40 .* \| 0\.25 .* \| 1\.60 \(1\.60–1\.60\) \|/);
  });

  test("the report sets segments beside the same steps one by one, round by round", () => {
    expect(report).toMatch(/\| 8 \| 20\.0 .* \| 15\.0 .* \| 0\.75 \(0\.75–0\.75\) \| 304 \| 800 \|/);
    expect(report).toContain("with 2 threads");
  });

  test("the report calls nothing met that was not measured", () => {
    expect(aim("Not slower than PyTorch eager, 2 threads")).toMatch(/\| not measured \| – \|$/);
    expect(report).toContain("PyTorch was not timed: no torch.");
  });

  test("the report does not prove an aim for two cores with more", () => {
    const results = sampleStepResults();
    const machine = { ...results.circumstances.machine, cores: 16 };
    const large = stepReport({ ...results, circumstances: { ...results.circumstances, machine } });
    expect(large).toMatch(/cache fast \| 2\.5 .* s on 16 cores \| – \|/);
  });

  test("the report tells the memory of a session where the system does, and a dash elsewhere", () => {
    expect(report).toMatch(/\| reuse \|.*\| 5 \| 20 \| 7 \|$/m);
    expect(report).toMatch(/\| full \|.*\| – \| – \| – \|$/m);
  });

  test("the report says when other programs were running", () => {
    const results = sampleStepResults();
    const busy = stepReport({ ...results, circumstances: { ...results.circumstances, loadBefore: 3 } });
    expect(busy).toContain("other programs slowed the measurements");
    expect(report).not.toContain("other programs slowed the measurements");
  });
});

test("results survive the round trip through JSON", () => {
  const results = sampleStepResults();
  expect(stepResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
  expect(twoThreads.torch).toBe("not timed: no torch.");
});
