import { expect, test } from "vitest";
import { scheduleStrip, supportsUnicode } from "../../functions/cli/strip.ts";

const schedule = [true, true, false, false, true].map((computed) => ({ computed }));

test("a strip has one character per step, computed ones filled", () => {
  expect(scheduleStrip(schedule)).toBe("██··█");
});

test("a strip without Unicode is ASCII", () => {
  expect(scheduleStrip(schedule, { unicode: false })).toBe("##..#");
});

test("a step that ended a planned reuse early stands out of the other computed ones", () => {
  const ended = [{ computed: true }, { computed: false }, { computed: true, early: true as const }];
  expect(scheduleStrip(ended)).toBe("█·▓");
  expect(scheduleStrip(ended, { unicode: false })).toBe("#.!");
});

test("a schedule without steps is an empty strip", () => {
  expect(scheduleStrip([])).toBe("");
});

test.each<[string, Record<string, string>, NodeJS.Platform, boolean]>([
  ["a UTF-8 locale", { LANG: "en_GB.UTF-8" }, "linux", true],
  ["a UTF-8 locale in the other spelling", { LC_CTYPE: "C.utf8" }, "darwin", true],
  ["a dumb terminal", { LANG: "en_GB.UTF-8", TERM: "dumb" }, "linux", false],
  ["the C locale over a UTF-8 one", { LC_ALL: "C", LANG: "en_GB.UTF-8" }, "linux", false],
  ["an empty LC_ALL under a UTF-8 one", { LC_ALL: "", LANG: "en_GB.UTF-8" }, "linux", true],
  ["no locale", {}, "linux", false],
  ["Windows Terminal", { WT_SESSION: "1" }, "win32", true],
  ["the old Windows console", {}, "win32", false],
])("Unicode output is chosen correctly for %s", (_, env, platform, expected) => {
  expect(supportsUnicode(env, platform)).toBe(expected);
});
