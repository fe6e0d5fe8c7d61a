import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  duration,
  durationRange,
  durations,
  exactly,
  money,
  percent,
  perVideo,
} from "../../tools/plan/units.ts";

describe("a time", () => {
  test.each([
    [0, "0 s"],
    [0.04, "0 s"],
    [1.13, "1.1 s"],
    [66.4, "66 s"],
    [99.9, "100 s"],
    [123, "2 min"],
    [502, "8.4 min"],
    [4_549, "76 min"],
    [8_504, "2.4 h"],
    [199_724, "2.3 days"],
    [1_000_000, "12 days"],
  ])("the time of %d seconds is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test("times in a row name their unit once for neighbours that share it", () => {
    expect(durations([199_724, 376_373, 396_208])).toBe("2.3 / 4.4 / 4.6 days");
    expect(durations([0, 0.6, 1490])).toBe("0 / 0.6 s / 25 min");
    expect(durations([58, 123, 2973])).toBe("58 s / 2 / 50 min");
  });

  test("a range of times names its unit once, and is one time if its ends are equal", () => {
    expect(durationRange(300, 660)).toBe("5 to 11 min");
    expect(durationRange(27, 1591)).toBe("27 s to 27 min");
    expect(durationRange(400, 400)).toBe("6.7 min");
  });
});

describe("an amount of money", () => {
  test.each([
    [12_345, "$12,345"],
    [535.26, "$535"],
    [67.2, "$67.20"],
    [3.888, "$3.89"],
    [0.6287, "$0.63"],
    [0.0211, "$0.021"],
    [0.0043, "$0.0043"],
    [0.000_041, "under $0.001"],
    [0, "$0.00"],
  ])("the amount %d is written as %s", (dollars, text) => {
    expect(money(dollars)).toBe(text);
  });

  test("the cost of a video below a cent is that of a thousand videos", () => {
    expect([perVideo(0.6095), perVideo(0.0209), perVideo(0.000_041_8)]).toEqual([
      "$0.61",
      "$0.021",
      "$0.042 per 1,000",
    ]);
  });

  test("a price keeps all its digits, and has two decimals at least", () => {
    expect([exactly(0.4), exactly(3), exactly(13.3334), exactly(0.0004)]).toEqual([
      "$0.40",
      "$3.00",
      "$13.3334",
      "$0.0004",
    ]);
  });
});

test("the document has no time in thousands of seconds, and begins with a range and what it assumes", () => {
  const document = readFileSync("docs/costs.md", "utf8");
  expect(document).not.toMatch(/\d{4,} s\b/);
  const [range, assumed] = document.split("## In short\n\n")[1]!.split("\n\n");
  expect(range).toMatch(/^A video \(open-sora-1\.2, .*\) costs \$0\.\d+ to \$0\.\d+, /);
  expect(assumed).toMatch(
    /^Assumed: times of one A100 \(published\), at 0\.7 times that speed .* prices of us-east-1\.$/,
  );
});

test.each([
  [0, "0 %"],
  [0.0004, "under 0.1 %"],
  [0.004, "0.4 %"],
  [0.101, "10 %"],
  [0.995, "100 %"],
])("a share of %d is %s", (share, text) => {
  expect(percent(share)).toBe(text);
});
