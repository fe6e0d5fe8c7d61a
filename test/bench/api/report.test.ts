import { describe, expect, test } from "vitest";
import { apiReport } from "../../../tools/bench/api/report.ts";
import { apiResultsSchema, growthByJob, summariseLoad } from "../../../tools/bench/api/results.ts";
import { sampleApiResults } from "../sample-results.ts";

const results = sampleApiResults();
const lineOf = (report: string, start: string) =>
  report.split("\n").find((line) => line.startsWith(`| ${start}`));

describe("the ratio of our API to a bare server", () => {
  test("the ratio compares within one round, so that a slow minute slows both sides and not the ratio", () => {
    const { rateRatio, cpuRatio } = summariseLoad(results.loads[0]!);
    expect(rateRatio.p10).toBeCloseTo(0.1, 12);
    expect(rateRatio.p90).toBeCloseTo(0.1, 12);
    expect(cpuRatio.median).toBeCloseTo(10, 12);
  });

  test("the ratio needs both sides in every round", () => {
    const load = results.loads[0]!;
    expect(() => summariseLoad({ ...load, bare: load.bare.slice(1) })).toThrow(/3 rounds .* against 2/);
  });
});

test("growth is measured over the last jobs, without the first ones, which warm the process up", () => {
  expect(growthByJob(results.memory)).toEqual({ resident: 0, heap: 20 });
});

describe("the report", () => {
  const report = apiReport(results);

  test("the report has a row for every route with rates, latencies and processor time of both sides", () => {
    expect(lineOf(report, "POST /v1/videos |")).toMatch(
      /\| 16 \| 500 \(.*\| 5000 \(.*\| 0\.100 \(.*\| 2\.00 \/ 0\.20 \| 10\.0 \/ 1\.0 \| 2\.00 .*\| 10\.0 /,
    );
    expect(lineOf(report, "GET /v1/videos/{id}, completed |")).toBeDefined();
  });

  test("the report says whether the servers were held to one core", () => {
    expect(report).toContain("with all threads of a server pinned to one core");
    expect(apiReport({ ...results, isPinned: false })).toContain("were not pinned to one core");
  });

  test("the report tells what a job takes on the disk", () => {
    expect(report).toMatch(
      /queued job has 1200 bytes in files; with folders, it has 6\.0 entries and takes 23\.4 KiB/,
    );
  });

  test("the report holds every aim against what was measured", () => {
    const { start, memory, idempotency } = results;
    const [first, second, last] = memory.points;
    const worse = apiReport({
      ...results,
      start: { ...start, begun: [40, 60, 80] },
      memory: { ...memory, points: [first!, second!, { ...last!, heap: 32e6 }] },
      idempotency: { ...idempotency, statuses: { "200": 998, "503": 2 }, ids: 2, listed: 2 },
    });
    for (const [aim, measured, measuredWorse] of [
      ["An idle worker starts", "12 ms", "60 ms"],
      ["The API's process does not grow", "20 bytes per job", "2000 bytes per job"],
      ["1000 requests at once", "1 id, 1 in the list", "2 ids, 2 in the list, 2 failed"],
    ] as const) {
      expect(lineOf(report, aim)).toContain(`| ${measured} | yes |`);
      expect(lineOf(worse, aim)).toContain(`| ${measuredWorse} | no |`);
    }
    expect(worse).toContain("998 with 200 and 2 with 503");
  });

  test("the report does not call one job made where a request failed", () => {
    const { idempotency } = results;
    const failing = apiReport({
      ...results,
      idempotency: { ...idempotency, statuses: { "200": 999, "503": 1 } },
    });
    expect(lineOf(failing, "1000 requests at once")).toMatch(/1 failed \| no \|$/);
  });
});

test("results survive the round trip through JSON", () => {
  expect(apiResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
});
