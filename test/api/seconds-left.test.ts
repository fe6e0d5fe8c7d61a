import { describe, expect, it } from "vitest";
import { secondsLeft } from "../../functions/api/views/seconds-left.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";

const quote = { seconds: { expected: 30 } } as JobRecord["quote"];
const waiting = { status: "queued", attempt: 0, createdAt: 1_000, progress: null, quote } as JobRecord;

describe("the seconds that are left of a video", () => {
  it("a video that waits has those of its quote, less the time since", () => {
    expect(secondsLeft(waiting, 1_000)).toBe(30);
    expect(secondsLeft(waiting, 13_500)).toBe(17.5);
  });

  it("a quote that was too short says nothing more", () => {
    expect(secondsLeft(waiting, 31_000)).toBeNull();
    expect(secondsLeft(waiting, Number.POSITIVE_INFINITY)).toBeNull();
  });

  it.each([
    ["a video without a quote", { quote: null }],
    ["a video whose quote has no seconds", { quote: { seconds: null } }],
    ["a video that waits for a second worker", { attempt: 1 }],
    ["a video that is over", { status: "completed", attempt: 1 }],
  ])("%s has none", (_, changes) => {
    expect(secondsLeft({ ...waiting, ...changes } as JobRecord, 2_000)).toBeNull();
  });

  it("a worker's prediction takes the place of the quote", () => {
    const progress = { secondsLeft: 4 } as JobRecord["progress"];
    expect(secondsLeft({ ...waiting, status: "running", attempt: 1, progress }, 2_000)).toBe(4);
  });
});
