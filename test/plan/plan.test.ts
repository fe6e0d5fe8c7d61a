import { expect, test } from "vitest";
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
  const { outcomes, dollarsPerHour } = plan("--videos-per-day", "5000");
  const off = outcomes[0]!;
  expect(off.load).toBeGreaterThan(1);
  expect(off.gpuDollarsPerVideo / ((off.videoSeconds / 3600) * dollarsPerHour)).toBeCloseTo(1, 1);
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
  expect(text).toContain("Speed: 1 (assumed)");
  expect(text).toMatch(/Instance ml\.g6e\.2xlarge: \$2\.80 per hour, looked up \d{4}-\d\d-\d\d/);
});

test("the report begins with what a video costs at least and at most, and then says what is assumed", () => {
  const [, range, assumed] = plainText(planReport(plan("--cold-start-seconds", "600"))).split("\n\n");
  // Busy: 24.16 s and 3 s. Alone: 600 s to start, 30 s to open, 57.02 s, and an idle window of 300 s, at $2.80 an hour.
  expect(range).toMatch(/^A video \(open-sora-1\.2, .*\) costs \$0\.021 to \$0\.77 of instance time: /);
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
