import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { psnr, VideoError, writePoster } from "../../../lib/generation/video/index.ts";
import { discOverStripes } from "./sample-frames.ts";

const folder = mkdtempSync(join(tmpdir(), "poster-"));
afterAll(() => rmSync(folder, { recursive: true }));

const frames = discOverStripes();
const frameLength = 64 * 64 * 3;
const still = (frame: number) => ({
  ...frames,
  count: 1,
  rgb: frames.rgb.subarray(frame * frameLength, (frame + 1) * frameLength),
});
const read = async (path: string) => ({ ...still(0), rgb: await sharp(path).raw().toBuffer() });

test("a PNG poster is the middle frame, exactly", async () => {
  const path = join(folder, "poster.png");
  await writePoster(path, frames);
  expect(psnr(await read(path), still(8))).toBe(Infinity);
});

test.each(["jpg", "webp"])("a .%s poster is the requested frame", async (extension) => {
  const path = join(folder, `poster.${extension}`);
  await writePoster(path, frames, { frame: 15 });
  expect((await sharp(path).metadata()).format).toBe(extension === "jpg" ? "jpeg" : extension);
  expect(psnr(await read(path), still(15))).toBeGreaterThan(26);
});

test.each([
  ["a frame after the last", "a.png", 16, "There is no frame 16: the video has frames 0 to 15."],
  ["half a frame", "a.png", 0.5, "There is no frame 0.5"],
  ["an unknown ending", "a.bmp", 0, "give a name that ends in .png, .jpg or .webp"],
  ["a missing folder", "missing/a.png", 0, "its folder does not exist; create it first"],
])("%s is refused in one sentence and nothing is left", async (_, name, frame, message) => {
  const attempt = writePoster(join(folder, name), frames, { frame });
  await expect(attempt).rejects.toThrow(VideoError);
  await expect(attempt).rejects.toThrow(message);
  expect(readdirSync(folder).filter((file) => file.includes("a."))).toEqual([]);
});
