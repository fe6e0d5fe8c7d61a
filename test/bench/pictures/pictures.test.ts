import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type PicturedRow,
  picturedMethods,
  picturedPrompts,
  told,
} from "../../../tools/bench/pictures/pictured.ts";
import { PICTURE_FILE, pictureReport } from "../../../tools/bench/pictures/report.ts";
import { pictureSheet } from "../../../tools/bench/pictures/sheet.ts";
import { drawSheet } from "../../../tools/drawing/sheet.ts";

/** Videos whose frame `f` has only the colour [f, row, column]. */
const rows: PicturedRow[] = picturedMethods.map(({ name }, row) => ({
  method: name,
  videos: picturedPrompts.map((_, column) => {
    const rgb = new Uint8Array(16 * 8 * 8 * 3).map((_, at) => [Math.floor(at / 192), row, column][at % 3]!);
    const difference = row === 0 ? null : { psnr: 20 + row, ssim: 0.9 };
    return { frames: { width: 8, height: 8, count: 16, rgb }, computed: 30 - row, difference };
  }),
}));

describe("what is pictured", () => {
  test("the pictures begin with the README's own prompt, and show each motion once", () => {
    expect(readFileSync("README.md", "utf8")).toContain(`"${picturedPrompts[0]!.text}"`);
    expect(picturedPrompts.map(({ motion }) => motion)).toEqual(["fast", "slow", "bounce"]);
  });

  test("the pictures show the video without cache, and then methods that compute about a third or a half", () => {
    expect(picturedMethods.map(({ name }) => name)).toEqual([
      "no cache",
      "auto",
      "10 computed steps",
      "AdaCache fast",
      "static:3",
      "10 steps, no cache",
    ]);
    expect(picturedMethods[0].request.cache).toBe("off");
  });

  test("the numbers below a video say how much was computed and how close it is", () => {
    const { frames } = rows[0]!.videos[0]!;
    const said = (computed: number, psnr: number) =>
      told({ frames, computed, difference: { psnr, ssim: 0.95 } });
    expect(said(10, 32.71)).toBe("10 of 30 steps, 32.7 dB, SSIM 0.950");
    expect(said(30, Infinity)).toBe("30 of 30 steps, no pixel differs");
    expect(told(rows[0]!.videos[0]!)).toBe("30 of 30 steps, the reference");
  });
});

describe("the picture", () => {
  test("the picture has four frames of every video, from the first to the last", () => {
    const { videos, width, height } = pictureSheet(rows);
    expect(videos).toHaveLength(rows.length * picturedPrompts.length * 4);
    const firstColours = videos.slice(0, 5).map(({ video }) => [...video.rgb.subarray(0, 3)]);
    expect(firstColours).toEqual([...[0, 5, 10, 15].map((frame) => [frame, 0, 0]), [0, 0, 1]]);
    for (const { left, top, side } of videos) {
      expect([left, top].every((at) => at >= 0)).toBe(true);
      expect([left + side <= width, top + side <= height]).toEqual([true, true]);
    }
  });

  test("the picture shows each frame at its place, on white paper", async () => {
    const sheet = pictureSheet(rows);
    const { rgb, width, count } = await drawSheet(sheet);
    expect(count).toBe(1);
    const colourAt = (x: number, y: number) => [
      ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
    ];
    for (const { left, top, side, video } of sheet.videos) {
      const centre = colourAt(left + side / 2, top + side / 2);
      expect(centre).toEqual([...video.rgb.subarray(0, 3)]);
    }
    expect(colourAt(0, 0)).toEqual([255, 255, 255]);
  });

  test("the picture's prompts and numbers are drawn as text, with room for them", () => {
    const { markup } = pictureSheet(rows);
    const texts = markup.map((element) => />(.*)<\/text>$/.exec(element)![1]);
    expect(texts).toContain("25 of 30 steps, 25.0 dB, SSIM 0.900");
    expect(texts.join(" ")).toContain("a red circle moves fast to the left over blue stripes");
  });
});

describe("the section of the pictures", () => {
  const model = { name: "demo", sha256: "0123456789abcdef".repeat(4) };
  const report = pictureReport(rows, { command: "npm run bench -- pictures", date: "2026-01-31", model });

  test("the section shows the picture and repeats its numbers as a table", () => {
    expect(report).toContain(`](${PICTURE_FILE})`);
    expect(report).toContain("| static:3 | 26 of 30 steps, 24.0 dB, SSIM 0.900 |");
    for (const { text, seed } of picturedPrompts) expect(report).toContain(`${text}, seed ${seed}`);
  });

  test("the section says with which command, when and of which model the pictures were made", () => {
    expect(report).toContain(
      "`npm run bench -- pictures`, 2026-01-31, with the model demo (sha256 0123456789abcdef)",
    );
  });
});
