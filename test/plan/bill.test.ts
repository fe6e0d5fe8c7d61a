import { describe, expect, test } from "vitest";
import { sageMaker } from "../../tools/plan/backends/sagemaker.ts";
import { type BillLine, idleMonth, totalOf, videoBill } from "../../tools/plan/bill.ts";
import { PRICES, type Price, quoted } from "../../tools/plan/prices.ts";

const dollars = (lines: readonly BillLine[], what: string) =>
  lines.find((line) => line.what === what)?.dollars;

describe("a month without a video", () => {
  const atRest = sageMaker.atRest({ instancesMax: 1, scaling: "backlog" });
  const lines = idleMonth({ modelGb: 14, hasWaf: false, atRest });

  test("a month without a video has no instance in its bill, and a sweep every two minutes", () => {
    expect(dollars(lines, "Model in the bucket")).toBeCloseTo(0.322, 9);
    expect(dollars(lines, "Schedule")).toBeCloseTo(0.0216, 9);
    expect(dollars(lines, "Sweep, LIST requests")).toBeCloseTo(0.324, 9);
    expect(dollars(lines, "Queues, empty receives")).toBeCloseTo(1.0368, 9);
  });

  test("a month without a video costs more only by the storage of a larger model", () => {
    expect(totalOf(idleMonth({ modelGb: 114, hasWaf: false, atRest })) - totalOf(lines)).toBeCloseTo(2.3, 9);
  });

  test("a month without a video has a firewall in its bill only when one is configured", () => {
    const withWaf = idleMonth({ modelGb: 14, hasWaf: true, atRest });
    expect(totalOf(withWaf) - totalOf(lines)).toBeCloseTo(8, 9);
    expect(withWaf.slice(0, lines.length)).toEqual(lines);
  });
});

describe("a video besides the GPU", () => {
  const video = { videoMb: 100, videoSeconds: 60, backendItems: sageMaker.videoItems, hasWaf: false };

  test("a video is written every two seconds, stored for a month and fetched once", () => {
    const lines = videoBill(video);
    expect(dollars(lines, "Record and files, writes")).toBeCloseTo((14 + 30) * 0.000005, 9);
    expect(dollars(lines, "Storage")).toBeCloseTo(0.0023, 9);
    expect(dollars(lines, "Download")).toBeCloseTo(0.009, 9);
    expect(dollars(lines, "Notification")).toBeCloseTo(0.000_000_5, 12);
  });

  test("a video costs a firewall fee for each request when a firewall is configured", () => {
    const difference = totalOf(videoBill({ ...video, hasWaf: true })) - totalOf(videoBill(video));
    expect(difference).toBeCloseTo((22 * 0.6) / 1e6, 12);
  });
});

test("a price names its source, and is quoted for its units", () => {
  for (const price of Object.values<Price>(PRICES)) {
    expect(price.dollars).toBeGreaterThan(0);
    expect(price.source).not.toBe("");
  }
  expect(quoted(PRICES.sqsRequest)).toBe("$0.40 per 1,000,000 requests");
  expect(quoted(PRICES.s3Storage)).toBe("$0.023 per GB and month");
});
