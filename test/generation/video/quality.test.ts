import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Frames, psnr, ssim, VideoError } from "../../../lib/generation/video/index.ts";
import { discOverStripes, plain } from "./sample-frames.ts";

interface Golden {
  source: string;
  videos: {
    count: number;
    height: number;
    width: number;
    rgb: string;
    cases: { name: string; rgb: string; psnr: number | null; ssim: number }[];
  }[];
}

// Golden values of scikit-image (tools/golden/quality_metrics.py). Both compute in float64, so 1e-6 is generous.
const golden: Golden = JSON.parse(
  readFileSync(new URL("../../golden/video/quality-metrics.json", import.meta.url), "utf8"),
);
const TOLERANCE_DIGITS = 6;

for (const { count, height, width, rgb, cases } of golden.videos) {
  const decode = (pixels: string): Frames => ({ count, height, width, rgb: Buffer.from(pixels, "base64") });
  describe(`${count} frames of ${width}x${height} against ${golden.source}`, () => {
    test.each(cases)(
      "PSNR and SSIM equal the reference for $name",
      ({ rgb: other, psnr: expectedPsnr, ssim: expectedSsim }) => {
        const a = decode(rgb);
        const b = decode(other);
        expect(ssim(a, b)).toBeCloseTo(expectedSsim, TOLERANCE_DIGITS);
        if (expectedPsnr === null) expect(psnr(a, b)).toBe(Infinity);
        else expect(psnr(a, b)).toBeCloseTo(expectedPsnr, TOLERANCE_DIGITS);
      },
    );
  });
}

test("identical videos have an SSIM of exactly 1", () => {
  expect(ssim(discOverStripes(), discOverStripes())).toBe(1);
});

test("black against white has a PSNR of 0 dB", () => {
  expect(psnr(plain([0, 0, 0]), plain([255, 255, 255]))).toBe(0);
});

test("videos of different shapes are refused by name", () => {
  const message = "3 frames of 64x64 and 2 frames of 64x64";
  for (const measure of [psnr, ssim]) {
    expect(() => measure(plain([0, 0, 0]), plain([0, 0, 0], { count: 2 }))).toThrow(message);
  }
});

test("SSIM of frames below its 11x11 window is refused", () => {
  const small = plain([0, 0, 0], { width: 64, height: 10 });
  expect(() => ssim(small, small)).toThrow(VideoError);
});
