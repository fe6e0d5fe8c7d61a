import { type Frames, VideoError } from "./frames.ts";

/** Encodes a video as an animated WebP, the fallback when no H.264 encoder can be loaded. Every browser plays it. */
export function encodeWithSharp(frames: Frames, fps: number): Promise<Uint8Array> {
  return encodeAnimation(frames, { fps, quality: 92 });
}

/**
 * Encodes an animated WebP that loops.
 *
 * WebP delays are whole milliseconds, so each delay is a difference of rounded times and the total does not
 * drift.
 *
 * @throws VideoError if sharp cannot be loaded here or refuses the size
 */
export async function encodeAnimation(
  frames: Frames,
  { fps, quality }: { readonly fps: number; readonly quality: number },
): Promise<Uint8Array> {
  const { width, height, count, rgb } = frames;
  const endMs = (frame: number) => Math.round(((frame + 1) * 1000) / fps);
  const delay = Array.from(
    { length: count },
    (_, frame) => endMs(frame) - (frame === 0 ? 0 : endMs(frame - 1)),
  );
  try {
    const { default: sharp } = await import("sharp");
    const strip = sharp(rgb, { raw: { width, height: height * count, channels: 3, pageHeight: height } });
    return await strip.webp({ quality, smartSubsample: true, loop: 0, delay }).toBuffer();
  } catch (error) {
    throw new VideoError(`The WebP could not be encoded: ${(error as Error).message}.`, { cause: error });
  }
}
