import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CancelledError,
  type Generation,
  type PipelineProcess,
  startPipelineProcess,
} from "../../lib/generation/pipeline/index.ts";
import {
  RequestError,
  type ResolvedRequest,
  resolveRequest,
  withoutCache,
} from "../../lib/generation/request/index.ts";
import {
  assertWritable,
  psnr,
  ssim,
  type WrittenVideo,
  writeFileAtomically,
  writeVideo,
} from "../../lib/generation/video/index.ts";
import { runMain, UsageError } from "../../lib/shared/command-line/index.ts";
import { type GenerateCommand, parseGenerate, USAGE } from "./args.ts";
import { type ComparedVideo, comparisonPage } from "./comparison-page.tsx";
import { type ProgressDisplay, progressBar, progressLines } from "./progress.ts";
import { type Comparison, jsonReport, type Result, textReport } from "./report.ts";
import { supportsUnicode } from "./strip.ts";

/** `npm run generate`: makes a video from a prompt, and reports which steps were computed. */

const unicode = supportsUnicode(process.env, process.platform);

async function main(): Promise<void> {
  const command = parseGenerate(process.argv.slice(2), {
    // npm runs scripts in the package's folder; INIT_CWD is the folder of the user.
    folder: process.env.INIT_CWD ?? process.cwd(),
    demoModel: fileURLToPath(new URL("../../models/demo", import.meta.url)),
    drawSeed: () => randomInt(2 ** 32),
  });
  if (command === "help") return void process.stdout.write(USAGE);
  const result = await run(command);
  process.stdout.write(
    command.json ? `${JSON.stringify(jsonReport(result))}\n` : textReport(result, unicode),
  );
}

async function run(command: GenerateCommand): Promise<Result> {
  const { prompt, seed, compare: isCompared } = command.request;
  const out = command.out ?? (await defaultOut(prompt, seed));
  const page = out.replace(/\.\w+$/, ".html");
  await assertOutputs([out, command.trace, isCompared ? page : null].filter((path) => path !== null));

  const cancel = new AbortController();
  let pipeline: PipelineProcess | null = null;
  const forgetSignals = onStopSignals(() => {
    if (!cancel.signal.aborted) return cancel.abort();
    // The second signal ends the work at once, without waiting for the current step.
    if (pipeline) pipeline.kill();
    else process.exit(1);
  });
  const display = progressDisplay();
  const generate = async (request: ResolvedRequest) => {
    try {
      return await pipeline!.generate(request, { signal: cancel.signal, onProgress: display.show });
    } finally {
      display.clear();
    }
  };
  try {
    pipeline = await startPipelineProcess(command.model);
    const request = resolveRequest(command.request, pipeline);
    const generation = await generate(request);
    const started = performance.now();
    const video = await writeVideo(out, generation.frames, { fps: generation.fps });
    const writeSeconds = (performance.now() - started) / 1000;
    if (command.trace) await writeText(command.trace, JSON.stringify(generation.trace, null, 2));
    if (!request.compare) return { generation, video, writeSeconds, comparison: null };
    const uncached = await generate(withoutCache(request)).catch((error: Error) => {
      throw new Error(`${error.message} ${video.path} was written, but not compared.`, { cause: error });
    });
    const comparison = await compare(generation, video, uncached, page);
    return { generation, video, writeSeconds, comparison };
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new Error("Cancelled: no video was written.", { cause: error });
  } finally {
    forgetSignals();
    await pipeline?.close();
  }
}

/** Checks before the generation that all results can be written after it. */
async function assertOutputs(paths: readonly string[]): Promise<void> {
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice) throw new UsageError(`${twice} cannot hold two results: give each its own name.`);
  for (const path of paths) await assertWritable(path);
}

async function compare(
  cached: Generation,
  video: WrittenVideo,
  uncached: Generation,
  page: string,
): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-"));
  try {
    const { fps } = uncached;
    const other = await writeVideo(join(folder, "uncached.mp4"), uncached.frames, {
      fps,
      encoder: video.encoder,
    });
    const difference = {
      psnr: psnr(uncached.frames, cached.frames),
      ssim: ssim(uncached.frames, cached.frames),
    };
    const { prompt, seed } = cached.request;
    const html = comparisonPage({
      prompt,
      seed,
      cached: await comparedVideo(cached, video),
      uncached: await comparedVideo(uncached, other),
      ...difference,
    });
    await writeText(page, html);
    return { uncached, ...difference, page };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function comparedVideo(
  { trace, seconds }: Generation,
  { path, encoder }: WrittenVideo,
): Promise<ComparedVideo> {
  return {
    videoBytes: await readFile(path),
    mime: encoder === "webp" ? "image/webp" : "video/mp4",
    seconds: seconds.denoise,
    trace,
  };
}

async function defaultOut(prompt: string, seed: number): Promise<string> {
  const words = prompt
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, "");
  const path = join(process.env.INIT_CWD ?? process.cwd(), "out", `${words || "video"}-${seed}.mp4`);
  await mkdir(dirname(path), { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`Cannot make the folder ${dirname(path)} (${cause.code}): choose a place with --out.`, {
      cause,
    });
  });
  return path;
}

function writeText(path: string, text: string): Promise<void> {
  return writeFileAtomically(path, new TextEncoder().encode(text));
}

function progressDisplay(): ProgressDisplay {
  const write = (text: string) => void process.stderr.write(text);
  return process.stderr.isTTY ? progressBar(write, unicode) : progressLines(write);
}

/** Calls `stop` on SIGINT (Ctrl-C) and SIGTERM; returns a function that removes the listeners. */
function onStopSignals(stop: () => void): () => void {
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return () => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
}

await runMain(main, { usageErrors: [RequestError] });
