import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Frames, VideoError } from "./frames.ts";
import { evenSize, toI420 } from "./i420.ts";
import type { Size } from "./picture/resize.ts";

/** Number of encoder threads. x264 is deterministic for a fixed number; its default depends on the machine. */
const THREADS = 4;

/** Constant rate factor: at 14 the only visible loss is chroma subsampling. */
const CRF = 14;

const TIME_LIMIT_MS = 10 * 60_000;

/** An ffmpeg that was started, and waits for frames. */
export interface StartedFfmpeg {
  /**
   * Encodes frames of the size that it was started for. Called once.
   *
   * @throws VideoError if there is no ffmpeg, it has no libx264, or it fails
   */
  encode(frames: Frames): Promise<Uint8Array>;
  /** Ends an ffmpeg that gets no frames, and resolves when nothing is left of it. */
  cancel(): Promise<void>;
}

/**
 * Starts the `ffmpeg` on PATH: H.264 High, no B-frames (so no edit list is needed and every frame has its exact time),
 * BT.709 limited range, moov first. For a small video, starting takes longer than encoding.
 *
 * ffmpeg must seek back to put the moov first, so it writes to a file in the system's temporary folder
 * instead of a pipe.
 */
export function startFfmpeg(size: Size, fps: number): StartedFfmpeg {
  let give!: (frames: Frames | null) => void;
  const given = new Promise<Frames | null>((resolve) => {
    give = resolve;
  });
  const encoded = encodeGiven(size, fps, given);
  // Its error is that of `encode`, which may come later.
  encoded.catch(() => undefined);
  return {
    async encode(frames) {
      give(frames);
      return (await encoded)!;
    },
    async cancel() {
      give(null);
      await encoded.catch(() => undefined);
    },
  };
}

/** Returns the bytes of the video; null if no frames are given. */
async function encodeGiven(
  size: Size,
  fps: number,
  given: Promise<Frames | null>,
): Promise<Uint8Array | null> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-"));
  try {
    const file = join(folder, "video.mp4");
    return (await runFfmpeg(ffmpegArguments(size, fps, file), given)) ? await readFile(file) : null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ffmpegArguments(size: Size, fps: number, file: string): string[] {
  const { width, height } = evenSize(size);
  const input = `-f rawvideo -pix_fmt yuv420p -s ${width}x${height} -framerate ${fps} -i pipe:0`;
  const codec = `-c:v libx264 -preset medium -crf ${CRF} -bf 0 -threads ${THREADS} -pix_fmt yuv420p`;
  const colour = "-color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709";
  const reproducible = "-fflags +bitexact -flags:v +bitexact -map_metadata -1";
  // Without -xerror some versions exit with 0 if the last write, that of the moov, fails.
  const options = `-v error -xerror ${input} ${codec} ${colour} ${reproducible} -movflags +faststart -y`;
  return [...options.split(" "), file];
}

function* planesOf(frames: Frames): Generator<Uint8Array> {
  for (let frame = 0; frame < frames.count; frame++) yield toI420(frames, frame);
}

/** Returns whether frames were given and encoded. */
async function runFfmpeg(args: string[], given: Promise<Frames | null>): Promise<boolean> {
  // Own process group: a terminal's Ctrl-C is handled by this process, and must not change which encoder
  // wrote the file.
  const child = spawn("ffmpeg", args, {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-2000);
  });
  const ended = new Promise<string | null>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) =>
      resolve(code === 0 ? null : log.trim() || `it ended with ${signal ?? code}`),
    );
  });
  const frames = await given;
  if (frames === null) {
    child.kill("SIGKILL");
    await ended;
    return false;
  }
  const limit = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT_MS);
  // If ffmpeg fails, the pipe breaks too. Its own last line of output says why.
  const fed = pipeline(Readable.from(planesOf(frames)), child.stdin).catch((error: Error) => error.message);
  const problem = (await ended) ?? (await fed);
  clearTimeout(limit);
  if (problem) throw new VideoError(`ffmpeg could not encode the video: ${problem.split("\n").at(-1)}.`);
  return true;
}
