import { expect, it } from "vitest";
import type { Stage } from "../../../lib/generation/pipeline/index.ts";
import { Patience } from "../../../lib/generation/pipeline/process/patience.ts";

const HOUR_MS = 3_600_000;

/** A process on a virtual clock of one tick a second. */
function generating(silenceMsMax: number) {
  const patience = new Patience(silenceMsMax);
  /** Lets so many seconds pass in silence, and returns the second in which a hang is found; null if none is. */
  const wait = (seconds: number): number | null => {
    for (let second = 1; second <= seconds; second++) if (patience.tick(false)) return second;
    return null;
  };
  return {
    wait,
    /** Reports progress after so many seconds. */
    after(seconds: number, stage: Stage, done = 0): void {
      expect(wait(seconds)).toBeNull();
      patience.heard({ stage, done });
    },
  };
}

it("a step may take twenty times the slowest before it", () => {
  const { after, wait } = generating(HOUR_MS);
  after(3, "denoise");
  after(30, "denoise", 1);
  after(10, "denoise", 2);
  after(599, "denoise", 3);
  expect(wait(HOUR_MS)).toBe(3600);
});

it("a step that hangs is found after twenty times the slowest", () => {
  const { after, wait } = generating(HOUR_MS);
  after(0, "denoise");
  for (const done of [1, 2, 3]) after(10, "denoise", done);
  expect(wait(1000)).toBe(200);
});

it("a step has a minute, however fast the others were", () => {
  const { after, wait } = generating(HOUR_MS);
  after(0, "denoise");
  for (const done of [1, 2, 3]) after(0, "denoise", done);
  expect(wait(1000)).toBe(60);
});

it("opening, the first step and decoding have the caller's limit", () => {
  for (const seconds of [600, 1799]) {
    const { after, wait } = generating(1_800_000);
    after(seconds, "load");
    after(seconds, "encode");
    after(seconds, "denoise");
    after(seconds, "denoise", 1);
    after(1, "decode", 1);
    expect(wait(10_000)).toBe(1800);
  }
  expect(generating(1_800_000).wait(10_000)).toBe(1800);
});

it("a second transformer between two steps has the caller's limit, and is no step", () => {
  const { after, wait } = generating(1_800_000);
  after(0, "denoise");
  after(4, "denoise", 1);
  after(4, "load", 1);
  after(1000, "denoise", 2);
  expect(wait(10_000)).toBe(80);
});

it("no step has more than the caller's limit", () => {
  const { after, wait } = generating(100_000);
  after(0, "denoise");
  after(50, "denoise", 1);
  expect(wait(10_000)).toBe(100);
});

it("a stopped process is found at once, whatever it was doing", () => {
  const patience = new Patience(HOUR_MS);
  const ticks = Array.from({ length: 5 }, () => patience.tick(true));
  expect(ticks).toEqual([null, null, null, null, "stopped"]);
});
