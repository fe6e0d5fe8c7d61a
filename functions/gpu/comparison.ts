import { setImmediate as pause } from "node:timers/promises";
import type { Generation } from "../../lib/generation/pipeline/index.ts";
import { type Frames, frameAt, psnr, ssim } from "../../lib/generation/video/index.ts";
import type { Receipt } from "../../lib/service/jobs/index.ts";

/** Compares a video with the same video made without cache: PSNR, SSIM, and times of denoising. */
export async function compare(
  cached: Generation,
  uncached: Generation,
): Promise<NonNullable<Receipt["comparison"]>> {
  const decibels = psnr(uncached.frames, cached.frames);
  return {
    psnr: Number.isFinite(decibels) ? decibels : null,
    ssim: await meanSsim(uncached.frames, cached.frames),
    denoise_seconds: uncached.seconds.denoise,
    speedup: uncached.seconds.denoise / cached.seconds.denoise,
  };
}

/**
 * Averages the SSIM of the frames. It pauses after each frame, because a whole video would block pings and lease
 * renewals for many seconds.
 */
async function meanSsim(a: Frames, b: Frames): Promise<number> {
  let sum = 0;
  for (let frame = 0; frame < a.count; frame++) {
    sum += ssim(only(a, frame), only(b, frame));
    await pause();
  }
  return sum / a.count;
}

function only(frames: Frames, frame: number): Frames {
  return { ...frames, count: 1, rgb: frameAt(frames, frame) };
}
