import { expect, test } from "vitest";
import { halfBlocks, showsColours } from "../../functions/cli/half-blocks.ts";
import { progressBar } from "../../functions/cli/progress.ts";
import type { Preview } from "../../lib/generation/preview/index.ts";
import { screenOf } from "./screen.ts";

/** Preview of two frames, red and green, of 8 by 4 pixels. */
const PREVIEW: Preview = {
  step: 2,
  width: 8,
  height: 4,
  frames: 2,
  seconds: 1,
  rgb: Uint8Array.from({ length: 2 * 8 * 4 * 3 }, (_, i) => (i % 3 === (i < 8 * 4 * 3 ? 0 : 1) ? 200 : 0)),
};
const RED = "38;2;200;0;0;48;2;200;0;0";
const GREEN = "38;2;0;200;0;48;2;0;200;0";

function displayed({ columns = 80, rows = 24, showsPictures = true, label = "" } = {}) {
  const screen = screenOf(columns);
  const room = { columns, rows };
  let nowMs = 0;
  const bar = progressBar((text) => screen.write(text), {
    unicode: true,
    label,
    room: () => room,
    showsPictures,
    clock: { now: () => nowMs },
  });
  return {
    screen,
    bar,
    step(done: number, seconds = 1) {
      nowMs += seconds * 1000;
      bar.show({ stage: "denoise", steps: 30, done, computed: done });
    },
    resize(columns: number) {
      room.columns = columns;
      screen.resize(columns);
    },
  };
}

test("a progress bar tells the steps, and from the second one on the time that is left", () => {
  const { screen, bar, step } = displayed();
  bar.show({ stage: "load", steps: 30, done: 0, computed: 0 });
  expect(screen.rows()).toEqual(["loading the model"]);
  step(0);
  step(1);
  expect(screen.rows()).toEqual([
    "denoising ━─────────────────────────────  1/30, 1 computed".replace("  1", " 1"),
  ]);
  step(2);
  expect(screen.rows()[0]).toMatch(/ 2\/30, 2 computed, 28 s left$/);
  step(3, 100);
  expect(screen.rows()[0]).toMatch(/ 3\/30, 3 computed, 16 min left$/);
  step(30);
  expect(screen.rows()[0]).toMatch(/ 30\/30, 30 computed$/);
  bar.clear();
  expect(screen.rows()).toEqual([]);
});

test("a preview stands above the bar, its frames follow each other, and all of it is erased at the end", () => {
  const { screen, bar, step } = displayed();
  step(1);
  bar.preview!(PREVIEW);
  step(2);
  const rows = screen.rows();
  expect(rows).toHaveLength(13);
  expect(rows.slice(0, 12)).toEqual(Array(12).fill("▀".repeat(48)));
  expect(rows[12]).toMatch(/^denoising /);
  const shown = [screen.coloursAt(0, 0)];
  step(3);
  shown.push(screen.coloursAt(11, 47));
  expect(new Set(shown)).toEqual(new Set([RED, GREEN]));
  expect(screen.rows()).toHaveLength(13);
  bar.show({ stage: "decode", steps: 30, done: 30, computed: 30 });
  expect(screen.rows().at(-1)).toBe("decoding frames");
  bar.clear();
  expect(screen.rows()).toEqual([]);
});

test("a text before the display is left alone", () => {
  const { screen, bar, step } = displayed();
  screen.write("before\n");
  bar.preview!(PREVIEW);
  for (const done of [1, 2, 3]) step(done);
  expect(screen.rows()[0]).toBe("before");
  bar.clear();
  expect(screen.rows()).toEqual(["before"]);
});

test.each([[20], [47], [30], [200]])(
  "a terminal that is resized to %d columns shows one picture and one bar",
  (columns) => {
    const { screen, bar, step, resize } = displayed({ label: "1 of 2: " });
    screen.write("before\n");
    bar.preview!(PREVIEW);
    step(1);
    step(2);
    resize(columns);
    step(3);
    const rows = screen.rows();
    const wide = Math.min(48, columns - 1);
    expect(rows[0]).toBe("before");
    expect(rows.filter((row) => row.includes("▀"))).toEqual(rows.slice(1, -1));
    expect(rows[1]!.length).toBeGreaterThan(wide - 2);
    expect(rows[1]!.length).toBeLessThanOrEqual(wide);
    expect(rows.at(-1)!.length).toBeLessThan(columns);
    bar.clear();
    expect(screen.rows()).toEqual(["before"]);
  },
);

test("a terminal without room for a picture, or without colours, shows the bar alone", () => {
  for (const options of [{ rows: 2 }, { columns: 2 }, { showsPictures: false }]) {
    const { screen, bar, step } = displayed(options);
    bar.preview?.(PREVIEW);
    step(2);
    expect(screen.rows()).toHaveLength(1);
    expect(screen.rows()[0]).not.toContain("▀");
  }
});

test("pictures need a terminal that says it shows 24-bit colours, and a user who wants them", () => {
  expect(showsColours({ COLORTERM: "truecolor" })).toBe(true);
  expect(showsColours({ COLORTERM: "24bit", NO_COLOR: "" })).toBe(true);
  expect(showsColours({ COLORTERM: "truecolor", NO_COLOR: "1" })).toBe(false);
  expect(showsColours({ COLORTERM: "truecolor", TERM: "dumb" })).toBe(false);
  expect(showsColours({ TERM: "xterm-256color" })).toBe(false);
});

test("a picture fits into the room, and keeps its shape", () => {
  const sizes = [
    [{ columns: 80, rows: 30 }, 16, 16],
    [{ columns: 80, rows: 5 }, 16, 16],
    [{ columns: 80, rows: 30 }, 160, 90],
    [{ columns: 10, rows: 30 }, 60, 104],
  ] as const;
  const shown = sizes.map(([room, width, height]) => {
    const picture = { width, height, rgb: new Uint8Array(width * height * 3) };
    const lines = halfBlocks(picture, room);
    return [lines[0]!.split("▀").length - 1, lines.length];
  });
  expect(shown).toEqual([
    [48, 24],
    [10, 5],
    [48, 14],
    [10, 9],
  ]);
});
