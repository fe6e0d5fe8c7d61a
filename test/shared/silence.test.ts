import { expect, it } from "vitest";
import { Silence } from "../../lib/shared/silence.ts";

/** Ticks until a hang is found, at most 100, with what it is. */
function hangAfter(silence: Silence, ticksMax: number, isStopped: boolean): [number, string | null] {
  for (let ticks = 1; ticks <= 100; ticks++) {
    const hang = silence.tick(ticksMax, isStopped);
    if (hang) return [ticks, hang];
  }
  return [100, null];
}

it("a process that says nothing is held to hang after the ticks that are too many", () => {
  expect(hangAfter(new Silence(), 15, false)).toEqual([15, "silent"]);
});

it("a sign of life begins the count again", () => {
  const silence = new Silence();
  for (let ticks = 0; ticks < 14; ticks++) silence.tick(15, false);
  silence.heard();
  expect(hangAfter(silence, 15, false)).toEqual([15, "silent"]);
});

it("a stopped process is held to hang within five ticks", () => {
  expect(hangAfter(new Silence(), 15, true)).toEqual([5, "stopped"]);
});

it("a process that is continued after a moment is not held to hang", () => {
  const silence = new Silence();
  for (let ticks = 0; ticks < 4; ticks++) expect(silence.tick(100, true)).toBeNull();
  expect(silence.tick(100, false)).toBeNull();
  expect(hangAfter(silence, 100, true)).toEqual([5, "stopped"]);
});
