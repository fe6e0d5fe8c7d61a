import sharp from "sharp";
import { expect, test } from "vitest";
import { encodePreview, VideoError } from "../../../lib/generation/video/index.ts";

test("a preview is encoded as a WebP that loops, and takes as long as its video", async () => {
  const [width, height, frames] = [12, 10, 8];
  const rgb = Uint8Array.from({ length: frames * width * height * 3 }, (_, i) => (i * 7) % 256);
  const bytes = await encodePreview({ width, height, frames, seconds: 5.0625, rgb });
  const told = await sharp(bytes, { animated: true }).metadata();
  expect(told).toMatchObject({ format: "webp", width, pageHeight: height, pages: frames, loop: 0 });
  const lengthMs = told.delay!.reduce((sum, delay) => sum + delay, 0);
  expect(Math.abs(lengthMs - 5062.5)).toBeLessThan(1);
});

test("a preview of no pixels is refused in one sentence", async () => {
  const nothing = { width: 0, height: 0, frames: 1, seconds: 1, rgb: new Uint8Array() };
  await expect(encodePreview(nothing)).rejects.toThrow(VideoError);
});
