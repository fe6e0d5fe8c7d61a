import { describe, expect, it } from "vitest";
import { gigabytes, transferBar, transferLines } from "../../functions/cli/transfer-progress.ts";

const GB = 1e9;
const sending = (doneBytes: number, sentBytes = doneBytes) =>
  ({ stage: "send", doneBytes, sentBytes, totalBytes: 4 * GB }) as const;

describe("a bar", () => {
  function bar() {
    const written: string[] = [];
    const clock = { nowMs: 0, now: () => clock.nowMs };
    return { ...transferBar((text) => written.push(text), clock), written, clock };
  }

  it("a progress bar is redrawn at most ten times a second, and at the end", () => {
    const { show, written, clock } = bar();
    for (const doneBytes of [0, 1, 2, 3]) show(sending(doneBytes));
    expect(written).toEqual(["\r\x1b[Ksending 0.0 MB of 4.0 GB, 0 %"]);
    clock.nowMs = 100;
    show(sending(GB));
    show(sending(4 * GB));
    expect(written.slice(1)).toEqual([
      "\r\x1b[Ksending 1.0 GB of 4.0 GB, 25 %",
      "\r\x1b[Ksending 4.0 GB of 4.0 GB, 100 %",
    ]);
  });

  it("a progress bar computes speed and remaining time from what was sent, not from what was there", () => {
    const { show, written, clock } = bar();
    show(sending(2 * GB, 0));
    clock.nowMs = 10_000;
    show(sending(3 * GB, GB));
    expect(written.at(-1)).toBe("\r\x1b[Ksending 3.0 GB of 4.0 GB, 75 %, 100.0 MB/s, 10 s left");
    clock.nowMs = 1_000_000;
    show(sending(3.5 * GB, 1.5 * GB));
    expect(written.at(-1)).toMatch(/, 1\.5 MB\/s, 6 min left$/);
  });
});

it("a progress log has one line for each quarter", () => {
  const written: string[] = [];
  const { say, show } = transferLines((text) => written.push(text));
  say("checking the model");
  for (const doneBytes of [0, 0.5, 1, 1.9, 2, 3.9, 4]) show(sending(doneBytes * GB));
  expect(written.map((line) => line.trimEnd())).toEqual([
    "checking the model",
    "sending 0.0 MB of 4.0 GB, 0 %",
    "sending 1.0 GB of 4.0 GB, 25 %",
    "sending 2.0 GB of 4.0 GB, 50 %",
    "sending 3.9 GB of 4.0 GB, 97 %",
    "sending 4.0 GB of 4.0 GB, 100 %",
  ]);
});

it("sizes are in GB, and in MB below one", () => {
  expect([0, 15_228_144, 999_900_000, 1e9, 31.46e9].map(gigabytes)).toEqual([
    "0.0 MB",
    "15.2 MB",
    "999.9 MB",
    "1.0 GB",
    "31.5 GB",
  ]);
});
