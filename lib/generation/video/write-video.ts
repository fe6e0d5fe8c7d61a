import { extname } from "node:path";
import { MAX_FPS } from "../../shared/limits.ts";
import { writeFileAtomically } from "./atomic-write.ts";
import { encodeWithFfmpeg } from "./ffmpeg.ts";
import { assertFrames, type Frames, VideoError } from "./frames.ts";
import { encodeWithWebcodecs } from "./webcodecs.ts";
import { encodeWithSharp } from "./webp.ts";

export type Encoder = "ffmpeg" | "webcodecs" | "webp";

export interface WrittenVideo {
  /** Path of the video: the given path, with the ending .webp if no H.264 encoder was found. */
  readonly path: string;
  readonly encoder: Encoder;
  readonly bytes: number;
}

const ENCODERS: Record<Encoder, (frames: Frames, fps: number) => Promise<Uint8Array>> = {
  ffmpeg: encodeWithFfmpeg,
  webcodecs: encodeWithWebcodecs,
  webp: encodeWithSharp,
};

/**
 * Writes frames as an H.264 MP4 (yuv420p, BT.709 limited range, moov first), or as an animated WebP if no
 * H.264 encoder can be loaded. The file is written atomically. Its bytes depend on the frames and the encoder
 * only, except that webcodecs also counts processors (see `encodeWithWebcodecs`).
 *
 * An odd side grows by one pixel in an MP4, a copy of its last row or column: 4:2:0 chroma needs even sides.
 *
 * @param path     ends in .mp4, or in .webp to choose that format
 * @param fps      whole frames per second, 1 to 240
 * @param encoder  the only encoder to try; by default ffmpeg (on PATH), webcodecs and webp are tried in this order
 * @throws VideoError in one sentence
 *
 * @example
 * const black = { width: 64, height: 64, count: 16, rgb: new Uint8Array(16 * 64 * 64 * 3) };
 * const { path, encoder } = await writeVideo("black.mp4", black, { fps: 8 });
 */
export async function writeVideo(
  path: string,
  frames: Frames,
  { fps, encoder }: { fps: number; encoder?: Encoder },
): Promise<WrittenVideo> {
  assertFrames(frames);
  if (!Number.isInteger(fps) || fps < 1 || fps > MAX_FPS) {
    throw new VideoError(`A video plays at 1 to ${MAX_FPS} whole frames per second, not ${fps}.`);
  }
  const failures: string[] = [];
  for (const candidate of candidates(path, encoder)) {
    const encoded = await ENCODERS[candidate](frames, fps).catch((error: Error) => error);
    if (encoded instanceof Error) {
      failures.push(encoded.message);
      continue;
    }
    const written = candidate === "webp" ? path.replace(/\.mp4$/i, ".webp") : path;
    await writeFileAtomically(written, encoded);
    return { path: written, encoder: candidate, bytes: encoded.length };
  }
  throw new VideoError(failures.join(" "));
}

function candidates(path: string, encoder: Encoder | undefined): Encoder[] {
  const extension = extname(path).toLowerCase();
  if (extension !== ".mp4" && extension !== ".webp") {
    throw new VideoError(`Cannot write a video as ${path}: give a name that ends in .mp4 or .webp.`);
  }
  if (extension === ".webp" && encoder && encoder !== "webp") {
    throw new VideoError(`${encoder} writes an MP4, so ${path} must end in .mp4.`);
  }
  if (encoder) return [encoder];
  return extension === ".webp" ? ["webp"] : ["ffmpeg", "webcodecs", "webp"];
}
