import { describe, expect, test } from "vitest";
import { plainText } from "../../tools/plan/blocks.ts";
import { parsePlan } from "../../tools/plan/options.ts";
import { makePlan, type Plan } from "../../tools/plan/plan.ts";
import { planReport } from "../../tools/plan/report.ts";

function plan(...args: string[]): Plan {
  const command = parsePlan(["--model", "open-sora-1.2", "--days", "2", ...args]);
  if (command.kind !== "plan") throw new TypeError("no plan was asked for");
  return makePlan(command.options);
}

test("every cache policy gets the same videos, and the shares of the billed time add up to all of it", () => {
  const { outcomes } = plan();
  expect(outcomes.map(({ cache }) => cache)).toEqual(["off", "slow", "fast"]);
  for (const { videos, busyShare, coldShare, idleShare } of outcomes) {
    expect(videos).toBe(outcomes[0]!.videos);
    expect(busyShare + coldShare + idleShare).toBeCloseTo(1, 9);
  }
});

test("an instance that never idles costs a video exactly its seconds", () => {
  const { outcomes, dollarsPerHour } = plan("--videos-per-day", "1130", "--timeout-seconds", "21600");
  const off = outcomes[0]!;
  expect(off.finished).toBe(off.videos);
  expect(off.load).toBeGreaterThan(1);
  expect(off.gpuDollarsPerVideo! / ((off.videoSeconds / 3600) * dollarsPerHour)).toBeCloseTo(1, 1);
});

describe("videos that fail", () => {
  test("the cost of a video is that of the finished ones, and the report says how many fail", () => {
    const late = plan("--videos-per-day", "2000", "--profile", "bursts");
    const { finished, videos, failed, gpuDollarsPerDay, gpuDollarsPerVideo } = late.outcomes[0]!;
    expect(finished).toBeLessThan(videos);
    expect(failed.waited + failed.deadline + failed.run).toBe(videos - finished);
    expect(gpuDollarsPerVideo).toBeCloseTo((2 * gpuDollarsPerDay) / finished, 9);
    const text = plainText(planReport(late));
    expect(text).toMatch(/Failed: never started \/ stopped +[\d.]+ % \/ [\d.]+ %/);
    expect(text).toMatch(
      /fail with cache fast and \d+ % without, for a deadline of 60 min and runs of at most/,
    );
    const patient = plan("--videos-per-day", "2000", "--profile", "bursts", "--timeout-seconds", "21600");
    expect(patient.outcomes[0]!.finished).toBeGreaterThan(finished);
  });

  test("no cost is claimed where every video runs longer than the backend allows", () => {
    const long = plan("--speed", "0.01", "--videos-per-day", "5", "--timeout-seconds", "21600");
    expect(long.outcomes[0]).toMatchObject({ finished: 0, untilVideo: null, gpuDollarsPerVideo: null });
    expect(long.outcomes[0]!.failed.run).toBeGreaterThan(0);
    const text = plainText(planReport(long));
    expect(text).toContain("none finished");
    expect(text).not.toMatch(/NaN|Infinity|null/);
    expect(text).toContain("with cache fast. Half of the finished videos are there within");
    expect(text).toContain("Without cache none is finished in time.");
    expect(text).not.toMatch(/costs none|within none|is none/);
  });

  test("a plan that finishes no video says so instead of its costs and times", () => {
    const hasty = plan("--speed", "0.01", "--videos-per-day", "5", "--timeout-seconds", "600");
    const text = plainText(planReport(hasty));
    expect(text).toContain(
      "Here none is finished in time: a longer --timeout-seconds, faster instances or fewer steps may help.",
    );
    expect(text).toMatch(
      /For the same arrivals, cache fast saves \S+ % .*, and no video is finished with it\./,
    );
    expect(text).not.toMatch(/Half of the finished|those of the others|is none/);
  });

  test("progress is written for no longer than a video may take", () => {
    const { besides } = plan("--speed", "0.01", "--videos-per-day", "5", "--timeout-seconds", "600");
    const writes = besides.find(({ what }) => what === "Record and files, writes");
    expect(writes?.because).toBe("14, and 300 for progress");
  });
});

test("settings are compared only when several are given", () => {
  expect(plan().variants).toEqual([]);
  const { variants } = plan("--instances-max", "1,2", "--idle-minutes", "3,10");
  expect(variants.map((outcome) => [outcome.cache, outcome.instancesMax, outcome.idleMinutes])).toEqual([
    ["off", 1, 3],
    ["fast", 1, 3],
    ["off", 1, 10],
    ["fast", 1, 10],
    ["off", 2, 3],
    ["fast", 2, 3],
    ["off", 2, 10],
    ["fast", 2, 10],
  ]);
});

test("days without a video cannot be planned", () => {
  expect(() => plan("--videos-per-day", "1", "--profile", "bursts")).toThrow(/There are no requests/);
});

test("the report says what was measured, published and assumed", () => {
  const text = plainText(planReport(plan()));
  expect(text).toContain("(published): AdaCache (arXiv 2411.02397), Table 1");
  expect(text).toContain("Speed: 0.7 (assumed): by data sheets, the L40S");
  expect(text).toMatch(/Instance ml\.g6e\.2xlarge: \$2\.80 per hour, looked up \d{4}-\d\d-\d\d/);
});

test("the report begins with what a video costs at least and at most, and then says what is assumed", () => {
  const [, range, assumed] = plainText(planReport(plan("--cold-start-seconds", "600"))).split("\n\n");
  // Busy: 24.16 s / 0.7 and 3 s. Alone: 600 s to start, 30 s to open, 80.17 s, 300 s of idle window, at $2.80 an hour.
  expect(range).toMatch(/^A video \(open-sora-1\.2, .*\) costs \$0\.029 to \$0\.79 of instance time: /);
  expect(assumed).toMatch(
    /^Assumed: .* starts that take 10 min; an idle window of 5 minutes; prices of us-east-1\.$/,
  );
});

test("a price of another region replaces the one that was looked up", () => {
  const cheap = plan("--dollars-per-hour", "1.4");
  expect(cheap.outcomes[0]!.gpuDollarsPerDay).toBeCloseTo(plan().outcomes[0]!.gpuDollarsPerDay / 2, 9);
  const text = plainText(planReport(cheap));
  expect(text).toContain("the price that was given.");
  expect(text).toContain("Instance ml.g6e.2xlarge: $1.40 per hour (given): --dollars-per-hour.");
});
