import { extname } from "node:path";
import { MAX_FPS } from "../../shared/limits.ts";
import { writeFileAtomically } from "./atomic-write.ts";
import { startFfmpeg } from "./ffmpeg.ts";
import { assertFrames, type Frames, VideoError } from "./frames.ts";
import type { Size } from "./picture/resize.ts";
import { encodeWithWebcodecs } from "./webcodecs.ts";
import { encodeWithSharp } from "./webp.ts";

export type Encoder = "ffmpeg" | "webcodecs" | "webp";

export interface EncodedVideo {
  readonly bytes: Uint8Array;
  readonly encoder: Encoder;
}

export interface WrittenVideo {
  /** Path of the video: the given path, with the ending .webp if no H.264 encoder was found. */
  readonly path: string;
  readonly encoder: Encoder;
  readonly bytes: number;
}

/** An MP4 whose encoder is started before there are frames. */
export interface StartedVideo {
  /** Encodes the frames as `encodeVideo` does. Called once. */
  encode(frames: Frames): Promise<EncodedVideo>;
  /** Ends the encoder of a video that gets no frames, and resolves when nothing is left of it. */
  cancel(): Promise<void>;
}

interface EncodeOptions {
  /** Whole frames per second, 1 to 240. */
  readonly fps: number;
  /** The only encoder to try; by default ffmpeg (on PATH), webcodecs and webp are tried in this order. */
  readonly encoder?: Encoder;
}

const ENCODERS: Record<Encoder, (frames: Frames, fps: number) => Promise<Uint8Array>> = {
  ffmpeg: (frames, fps) => startFfmpeg(frames, fps).encode(frames),
  webcodecs: encodeWithWebcodecs,
  webp: encodeWithSharp,
};

const FOR_MP4: readonly Encoder[] = ["ffmpeg", "webcodecs", "webp"];

/**
 * Starts the encoder of a video whose size is known before its frames, such as one that is being decoded: where that is
 * ffmpeg, it has started by the time they are there.
 */
export function startVideo({ width, height, fps }: Size & Pick<EncodeOptions, "fps">): StartedVideo {
  const ffmpeg = startFfmpeg({ width, height }, fps);
  return {
    encode(frames) {
      const isOfSize = frames.width === width && frames.height === height;
      if (isOfSize) return encodeWith(FOR_MP4, frames, { fps, ffmpeg: () => ffmpeg.encode(frames) });
      return ffmpeg.cancel().then(() => encodeVideo(frames, { fps }));
    },
    cancel: () => ffmpeg.cancel(),
  };
}

/**
 * Encodes frames as an H.264 MP4 (yuv420p, BT.709 limited range, moov first), or as an animated WebP if no H.264
 * encoder can be loaded. The bytes depend on the frames and the encoder only, except that webcodecs also counts
 * processors (see `encodeWithWebcodecs`).
 *
 * An odd side grows by one pixel in an MP4, a copy of its last row or column: 4:2:0 chroma needs even sides.
 *
 * @throws VideoError in one sentence
 */
export async function encodeVideo(frames: Frames, { fps, encoder }: EncodeOptions): Promise<EncodedVideo> {
  return encodeWith(encoder ? [encoder] : FOR_MP4, frames, { fps });
}

interface WriteOptions {
  /** Started video of these frames, in place of an encoder that is started now. */
  readonly started?: StartedVideo | null;
  /** Makes the bytes of the file from those of the encoder. */
  readonly finish?: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/**
 * Writes frames as a video, encoded as by `encodeVideo`. The file is written atomically.
 *
 * @param path     ends in .mp4, or in .webp to choose that format
 * @throws VideoError in one sentence
 *
 * @example
 * const black = { width: 64, height: 64, count: 16, rgb: new Uint8Array(16 * 64 * 64 * 3) };
 * const { path, encoder } = await writeVideo("black.mp4", black, { fps: 8 });
 */
export async function writeVideo(
  path: string,
  frames: Frames,
  { fps, encoder, started, finish }: EncodeOptions & WriteOptions,
): Promise<WrittenVideo> {
  const tried = candidates(path, encoder);
  const video = started ? await started.encode(frames) : await encodeWith(tried, frames, { fps });
  const written = video.encoder === "webp" ? path.replace(/\.mp4$/i, ".webp") : path;
  const bytes = finish ? await finish(video.bytes) : video.bytes;
  await writeFileAtomically(written, bytes);
  return { path: written, encoder: video.encoder, bytes: bytes.length };
}

async function encodeWith(
  tried: readonly Encoder[],
  frames: Frames,
  { fps, ffmpeg }: { readonly fps: number; readonly ffmpeg?: () => Promise<Uint8Array> },
): Promise<EncodedVideo> {
  assertFrames(frames);
  if (!Number.isInteger(fps) || fps < 1 || fps > MAX_FPS) {
    throw new VideoError(`A video plays at 1 to ${MAX_FPS} whole frames per second, not ${fps}.`);
  }
  const failures: string[] = [];
  for (const encoder of tried) {
    try {
      const isStarted = encoder === "ffmpeg" && ffmpeg !== undefined;
      return { encoder, bytes: await (isStarted ? ffmpeg() : ENCODERS[encoder](frames, fps)) };
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new VideoError(failures.join(" "));
}

function candidates(path: string, encoder: Encoder | undefined): readonly Encoder[] {
  const extension = extname(path).toLowerCase();
  if (extension !== ".mp4" && extension !== ".webp") {
    throw new VideoError(`Cannot write a video as ${path}: give a name that ends in .mp4 or .webp.`);
  }
  if (extension === ".webp" && encoder && encoder !== "webp") {
    throw new VideoError(`${encoder} writes an MP4, so ${path} must end in .mp4.`);
  }
  if (encoder) return [encoder];
  return extension === ".webp" ? ["webp"] : FOR_MP4;
}
