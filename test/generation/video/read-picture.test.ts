import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPicture, VideoError } from "../../../lib/generation/video/index.ts";

/** Golden case by the authors' own function (tools/golden/resize_crop.py). */
interface Case {
  readonly width: number;
  readonly height: number;
  readonly png: string;
  readonly rgb: string;
}

const file = new URL("../../golden/video/resize-crop.json", import.meta.url);
const cases: Case[] = JSON.parse(await readFile(file, "utf8"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-picture-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const red = { create: { width: 20, height: 10, channels: 3, background: "#f00" } } as const;

describe("a picture", () => {
  // sharp averages pixels first where it shrinks a picture by more than two.
  test.each(cases.map((golden, index) => ({ ...golden, most: [1, 1, 1, 5][index]! })))(
    "a picture becomes $width x $height as the authors resize and crop, within $most of 255",
    async ({ width, height, png, rgb, most }) => {
      const path = await written("golden.png", Buffer.from(png, "base64"));
      const pixels = await readPicture(path, { width, height });
      const expected = Buffer.from(rgb, "base64");
      expect(pixels).toHaveLength(expected.length);
      expect(Math.max(...pixels.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(most);
    },
  );

  test("a picture smaller than the video is enlarged", async () => {
    const path = await written("red.png", await sharp(red).png().toBuffer());
    const pixels = await readPicture(path, { width: 48, height: 40 });
    expect(pixels).toHaveLength(48 * 40 * 3);
    expect([...pixels.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test("a picture is rotated as its EXIF orientation says", async () => {
    // The left half is red and the right half blue; a quarter turn clockwise puts red above.
    const blue = await sharp({ create: { ...red.create, width: 10, background: "#00f" } })
      .png()
      .toBuffer();
    const lying = sharp(red).composite([{ input: blue, left: 10, top: 0 }]);
    const path = await written("lying.jpg", await lying.withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const pixels = await readPicture(path, { width: 8, height: 16 });
    expect(pixels[0]).toBeGreaterThan(200);
    expect(pixels.at(-1)).toBeGreaterThan(200);
  });

  test("a picture may be grey, of 16 bit, or have an alpha channel, which is left out", async () => {
    const grey = await written("grey.png", await sharp(red).greyscale().png().toBuffer());
    const deep = await written("deep.png", await sharp(red).toColourspace("rgb16").png().toBuffer());
    const clear = await written("clear.png", await sharp(red).ensureAlpha(0).png().toBuffer());
    const first = async (path: string) => [
      ...(await readPicture(path, { width: 8, height: 8 })).subarray(0, 3),
    ];
    const [r, g, b] = await first(grey);
    expect([g, b]).toEqual([r, r]);
    expect(await first(deep)).toEqual([255, 0, 0]);
    expect(await first(clear)).toEqual([255, 0, 0]);
  });

  test("a missing, malformed or truncated picture is refused in one sentence that names it", async () => {
    const size = { width: 8, height: 8 };
    const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
    const whole = await sharp({ create: { ...red.create, width: 200, noise } })
      .jpeg()
      .toBuffer();
    const paths = {
      missing: join(folder, "missing.png"),
      text: await written("text.png", Buffer.from("not a picture")),
      short: await written("short.jpg", whole.subarray(0, whole.length / 2)),
      empty: await written("empty.png", new Uint8Array()),
    };
    for (const path of Object.values(paths)) {
      const error: unknown = await readPicture(path, size).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(VideoError);
      expect((error as Error).message).toMatch(/^The picture \S+ cannot be read: [^\n]+\.$/);
      expect((error as Error).message).toContain(path);
    }
    await expect(readPicture(paths.missing, size)).rejects.toThrow("there is no such file.");
  });
});
