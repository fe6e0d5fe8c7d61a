import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Frames, VideoError } from "./frames.ts";
import { evenSize, toI420 } from "./i420.ts";

/** Number of encoder threads. x264 is deterministic for a fixed number; its default depends on the machine. */
const THREADS = 4;

/** Constant rate factor: at 14 the only visible loss is chroma subsampling. */
const CRF = 14;

const TIME_LIMIT_MS = 10 * 60_000;

/**
 * Encodes with the `ffmpeg` on PATH: H.264 High, no B-frames (so no edit list is needed and every frame has
 * its exact time), BT.709 limited range, moov first.
 *
 * ffmpeg must seek back to put the moov first, so it writes to a file in the system's temporary folder
 * instead of a pipe.
 *
 * @throws VideoError if there is no ffmpeg, it has no libx264, or it fails
 */
export async function encodeWithFfmpeg(frames: Frames, fps: number): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-"));
  try {
    const file = join(folder, "video.mp4");
    await runFfmpeg(ffmpegArguments(frames, fps, file), planesOf(frames));
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ffmpegArguments(frames: Frames, fps: number, file: string): string[] {
  const { width, height } = evenSize(frames);
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

async function runFfmpeg(args: string[], planes: Iterable<Uint8Array>): Promise<void> {
  // Own process group: a terminal's Ctrl-C is handled by this process, and must not change which encoder
  // wrote the file.
  const child = spawn("ffmpeg", args, {
    stdio: ["pipe", "ignore", "pipe"],
    // Not `timeout`: its timer outlives a program that could not be started, and keeps the process alive.
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
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
  // If ffmpeg fails, the pipe breaks too. Its own last line of output says why.
  const fed = pipeline(Readable.from(planes), child.stdin).catch((error: Error) => error.message);
  const problem = (await ended) ?? (await fed);
  if (problem) throw new VideoError(`ffmpeg could not encode the video: ${problem.split("\n").at(-1)}.`);
}
