import { randomInt } from "node:crypto";
import { chooseProvider, nvidiaGpu } from "../../lib/generation/accelerator/index.ts";
import type { Provider } from "../../lib/generation/onnx/index.ts";
import {
  CancelledError,
  type Generation,
  type PipelineProcess,
  type Progress,
  startPipelineProcess,
} from "../../lib/generation/pipeline/index.ts";
import type { Sealed } from "../../lib/generation/provenance/index.ts";
import {
  RequestError,
  type ResolvedRequest,
  resolveRequest,
  withoutCache,
} from "../../lib/generation/request/index.ts";
import {
  type StartedVideo,
  startVideo,
  writeFileAtomically,
  writeVideo,
} from "../../lib/generation/video/index.ts";
import { runMain } from "../../lib/shared/command-line/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { type GenerateCommand, parseGenerate, USAGE } from "./args.ts";
import { compare } from "./compare.ts";
import { showsColours } from "./half-blocks.ts";
import { type Outputs, outputsOf, prepareOutputs } from "./outputs.ts";
import { type ProgressDisplay, progressBar, progressLines } from "./progress.ts";
import { commandQuote, priceIn, quoteText } from "./quote-report.ts";
import { jsonReport, type Result, textReport } from "./report.ts";
import { openSealing, type Sealing } from "./sealing.ts";
import { type Outcome, outcomeOf, seriesReport, videoLine } from "./series-report.ts";
import { onStopSignals } from "./stop-signals.ts";
import { supportsUnicode } from "./strip.ts";

/** `npm run generate`: makes videos from a prompt, and reports which steps were computed. */

const unicode = supportsUnicode(process.env, process.platform);
/** Size of a terminal that does not tell it. */
const USUAL_ROOM = { columns: 80, rows: 24 };
// npm runs scripts in the package's folder; INIT_CWD is the folder of the user.
const folder = process.env.INIT_CWD ?? process.cwd();

async function main(): Promise<void> {
  const command = parseGenerate(process.argv.slice(2), { folder, drawSeed: () => randomInt(2 ** 32) });
  if (command === "help") return void process.stdout.write(USAGE);
  if (command.quote) return quote(command);
  const isSingle = command.requests.length === 1;
  const outcomes: Outcome[] = [];
  for await (const result of run(command)) {
    outcomes.push(outcomeOf(result));
    if (command.json) process.stdout.write(`${JSON.stringify(jsonReport(result))}\n`);
    else if (isSingle) process.stdout.write(textReport(result, { unicode, folder }));
    else process.stdout.write(videoLine(outcomes.at(-1)!, folder));
  }
  if (!isSingle && !command.json) process.stdout.write(seriesReport(outcomes));
}

/** Says what the videos of a command would take, and makes none. */
async function quote(command: GenerateCommand): Promise<void> {
  const usdPerHour = priceIn(process.env);
  const cancel = new AbortController();
  const { signal } = cancel;
  const { pipeline } = await openModel(command);
  const forgetSignals = onStopSignals(() => (signal.aborted ? pipeline.kill() : cancel.abort()));
  const display = progressDisplay("");
  try {
    const { limits, model } = pipeline;
    const [first, ...others] = command.requests.map((asked) => resolveRequest(asked, { limits, model }));
    const onProgress = (progress: Progress) => display.show(progress);
    const trial = await pipeline.measure(first!, { signal, onProgress }).finally(() => display.clear());
    const told = commandQuote(trial, usdPerHour);
    if (command.json) return void process.stdout.write(`${JSON.stringify(told)}\n`);
    process.stdout.write(others.length > 0 ? `each of ${others.length + 1} videos:\n` : "");
    process.stdout.write(quoteText(told));
  } finally {
    forgetSignals();
    await pipeline.close();
  }
}

/** Opens the model of a command in a process. */
async function openModel({ model, variant, precision, ...command }: GenerateCommand) {
  const { provider, reason } = await chooseProvider(command.provider, {
    ...(precision !== null && { precision }),
  });
  if (reason !== null) process.stderr.write(`${reason}\n`);
  const memoryBytes = (await nvidiaGpu(provider))?.memoryBytes ?? null;
  const pipeline = await startPipelineProcess(model, {
    provider,
    ...(memoryBytes !== null && { memoryBytes }),
    ...(variant !== null && { variant }),
    ...(precision !== null && { precision }),
  });
  return { pipeline, provider };
}

/** Makes the videos of a command with one process, and gives each as soon as its files are written. */
async function* run(command: GenerateCommand): AsyncGenerator<Result> {
  const cancel = new AbortController();
  let pipeline: PipelineProcess | null = null;
  const forgetSignals = onStopSignals(() => {
    if (!cancel.signal.aborted) return cancel.abort();
    // The second signal ends the work at once, without waiting for the current step.
    if (pipeline) pipeline.kill();
    else process.exit(1);
  });
  const files = outputsOf(command);
  let made = 0;
  try {
    const opened = await openModel(command);
    const { provider } = opened;
    pipeline = opened.pipeline;
    const { limits, model } = pipeline;
    const requests = command.requests.map((asked) => resolveRequest(asked, { limits, model }));
    await prepareOutputs(files);
    const sealing = await openSealing({ ...command, folder }, provider);
    for (const [index, outputs] of files.entries()) {
      const display = progressDisplay(files.length === 1 ? "" : `${index + 1} of ${files.length}: `);
      const work = { pipeline, provider, sealing, signal: cancel.signal, display };
      yield await make(requests[index]!, outputs, work);
      made += 1;
    }
  } catch (error) {
    throw withCount(error as Error, made, files.length);
  } finally {
    forgetSignals();
    await pipeline?.close();
  }
}

interface Work {
  readonly pipeline: PipelineProcess;
  readonly provider: Provider;
  readonly sealing: Sealing;
  readonly signal: AbortSignal;
  readonly display: ProgressDisplay;
}

/** Makes one video with everything that was asked about it. */
async function make(request: ResolvedRequest, outputs: Outputs, work: Work): Promise<Result> {
  const { provider } = work;
  const { generation, video, sealed, writeSeconds } = await makeVideo(request, outputs.video, work);
  if (outputs.trace) await writeJson(outputs.trace, generation.trace);
  const made = { generation, video, sealed, writeSeconds, provider };
  if (!outputs.page) return { ...made, comparison: null };
  const uncached = await generate(withoutCache(request), work).catch((error: Error) => {
    throw new Error(`${error.message} ${video.path} was written, but not compared.`, { cause: error });
  });
  const comparison = await compare({ generation, video }, uncached, outputs.page);
  return { ...made, comparison };
}

/** Generates a video and writes it to `path`. Its encoder starts while the model decodes. */
async function makeVideo(request: ResolvedRequest, path: string, work: Work) {
  let started: StartedVideo | null = null;
  const onDecode = () => {
    if (path.toLowerCase().endsWith(".mp4")) started ??= startVideo(request);
  };
  try {
    const generation = await generate(request, work, onDecode);
    const begun = performance.now();
    let sealed: Sealed | null = null;
    const finish = async (encoded: Uint8Array) => {
      const { bytes, ...done } = await work.sealing.seal(encoded, generation);
      sealed = done.sealed;
      return bytes;
    };
    const video = await writeVideo(path, generation.frames, { fps: generation.fps, started, finish });
    return { generation, video, sealed: sealed!, writeSeconds: (performance.now() - begun) / 1000 };
  } finally {
    // After an error there are no frames for it.
    await (started as StartedVideo | null)?.cancel();
  }
}

async function generate(request: ResolvedRequest, work: Work, onDecode?: () => void): Promise<Generation> {
  const { pipeline, signal, display } = work;
  const onProgress = (progress: Progress) => {
    if (progress.stage === "decode") onDecode?.();
    display.show(progress);
  };
  try {
    const { preview: onPreview } = display;
    return await pipeline.generate(request, { signal, onProgress, ...(onPreview && { onPreview }) });
  } finally {
    display.clear();
  }
}

/** Adds to an error how many videos there are nevertheless. */
function withCount(error: Error, made: number, count: number): Error {
  const isCancelled = error instanceof CancelledError;
  if (made === 0)
    return isCancelled ? new Error("Cancelled: no video was written.", { cause: error }) : error;
  const there = `${made} of ${count} videos ${made === 1 ? "is" : "are"} finished`;
  return new Error(isCancelled ? `Cancelled: ${there}.` : `${error.message} ${there}.`, { cause: error });
}

function writeJson(path: string, value: unknown): Promise<void> {
  return writeFileAtomically(path, new TextEncoder().encode(JSON.stringify(value, null, 2)));
}

function progressDisplay(label: string): ProgressDisplay {
  const { stderr } = process;
  const write = (text: string) => void stderr.write(text);
  if (!stderr.isTTY) return progressLines(write, label);
  const room = () => ({
    columns: stderr.columns || USUAL_ROOM.columns,
    rows: stderr.rows || USUAL_ROOM.rows,
  });
  const showsPictures = unicode && showsColours(process.env);
  return progressBar(write, { unicode, label, room, showsPictures, clock: performance });
}

await runMain(main, { usageErrors: [RequestError, ConfigError] });
