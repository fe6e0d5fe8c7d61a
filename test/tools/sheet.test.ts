import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import type { Frames } from "../../lib/generation/video/index.ts";
import { drawSheet, line, type Sheet, writeSheet } from "../../tools/drawing/sheet.ts";

const folder = mkdtempSync(join(tmpdir(), "adareel-sheet-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Video of 4 frames, each of one grey. */
const video: Frames = {
  width: 4,
  height: 4,
  count: 4,
  rgb: new Uint8Array(4 * 48).map((_, at) => 10 + 60 * Math.floor(at / 48)),
};
const sheet: Sheet = {
  width: 60,
  height: 40,
  markup: [line(0, 36, "a < b & c", { size: 8 })],
  videos: [{ video, left: 4, top: 4, side: 8 }],
};

describe("a sheet", () => {
  test("a sheet has a frame for each frame of its videos, and the same text on all", async () => {
    const { rgb, count, width, height } = await drawSheet(sheet);
    expect({ count, width, height }).toEqual({ count: 4, width: 60, height: 40 });
    const frames = Array.from({ length: 4 }, (_, f) => rgb.subarray(f * 7200, (f + 1) * 7200));
    expect(frames.map((frame) => frame[(8 * 60 + 8) * 3])).toEqual([10, 70, 130, 190]);
    const below = frames.map((frame) => frame.subarray(20 * 60 * 3));
    for (const text of below) expect(text).toEqual(below[0]);
  });

  test("a sheet without room for its file is refused, and otherwise keeps within the size", async () => {
    const path = join(folder, "sheet.webp");
    const bytes = await writeSheet(path, sheet, { bytesMax: 5000, fps: 8 });
    expect(bytes).toBeLessThanOrEqual(5000);
    const { pages, delay, loop } = await sharp(path).metadata();
    expect({ pages, delay, loop }).toEqual({ pages: 4, delay: [125, 125, 125, 125], loop: 0 });
    await expect(writeSheet(path, sheet, { bytesMax: 10 })).rejects.toThrow(/more than 10 bytes/);
  });

  test("text for a sheet is escaped", () => {
    expect(line(1, 2, "a < b & c", { size: 8 })).toContain(">a &lt; b &amp; c</text>");
  });
});
