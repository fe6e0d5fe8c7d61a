import { MAX_SIDE } from "../../shared/limits.ts";
import { counted } from "../../shared/sentences/index.ts";

/** Decoded video: 8-bit sRGB pixels as [F, H, W, 3], frame after frame, rows top to bottom. */
export interface Frames {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly rgb: Uint8Array;
}

/** Error for a video or picture that cannot be written or compared. The message is one sentence for the user. */
export class VideoError extends Error {
  override readonly name = "VideoError";
}

/**
 * Checks that the sizes are valid and that `rgb` has F*H*W*3 bytes.
 *
 * @throws VideoError if not
 */
export function assertFrames(frames: Frames): void {
  const { width, height, count, rgb } = frames;
  const isSide = (side: number) => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE;
  if (!isSide(width) || !isSide(height)) {
    throw new VideoError(`A frame of ${width}x${height} cannot be written: sides go from 1 to ${MAX_SIDE}.`);
  }
  if (!Number.isInteger(count) || count < 1) {
    throw new VideoError(`A video needs at least one frame, not ${count}.`);
  }
  const expected = count * height * width * 3;
  if (rgb.length !== expected) {
    throw new VideoError(
      `${counted(count, "frame")} of ${width}x${height} need ${expected} bytes of RGB, not ${rgb.length}.`,
    );
  }
}

/** Returns the pixels of one frame, [H, W, 3], as a view into `frames.rgb`. */
export function frameAt(frames: Frames, frame: number): Uint8Array {
  const length = frames.height * frames.width * 3;
  return frames.rgb.subarray(frame * length, (frame + 1) * length);
}
