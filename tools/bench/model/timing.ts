import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  type BenchmarkVideo,
  cutNames,
  decoderNames,
  diffusionTransformer,
  latentDecoder,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";
import {
  MAPPED_BYTES_MIN,
  openSession,
  type Precision,
  type Session,
  type Tensor,
} from "../../../lib/generation/onnx/index.ts";
import { say, times } from "../rounds.ts";
import { quantile } from "../statistics.ts";
import type { SessionName } from "../step/results.ts";
import { startTorch, type TorchProcess } from "../torch-process.ts";
import { GUIDANCE_SCALE, openPart, TIMESTEP, videoShape } from "./part.ts";
import {
  type ModelTiming,
  type Run,
  relativeDistance,
  runSchema,
  type Subject,
  TORCH_FORMS,
  type TorchForm,
  torchFormsSchema,
} from "./results.ts";
import { writeFeeds } from "./safetensors-file.ts";
import { publishedDepth, type TimedModel } from "./timed-models.ts";

export interface Effort {
  readonly threads: number;
  readonly rounds: number;
}

/** Number of our reused steps per round; several, because they are short. */
const REUSED_PER_ROUND = 5;
/** Milliseconds that a side runs in a round at least, so that short runs are repeated. */
const ROUND_MS = 150;
const REPEATS_MAX = 10;
/** Times our run that a form of PyTorch may take; a slower one is timed in the first round only. */
const SLOW = 4;
/** Maximum relative difference of results that differ by rounding only. */
const DIFFERENCE_MAX = 1e-4;

/** Precisions that the CPU computes steps in, float32 first. */
const PRECISIONS: readonly Precision[] = ["float32", "int8"];

/** Session and model part of each subject, the output that is compared with PyTorch's, and PyTorch's forms. */
const SUBJECTS = {
  step: { session: "full", part: "transformer", output: cutNames.prediction, forms: TORCH_FORMS },
  text: { session: "text", part: "text_encoder", output: "states", forms: ["float32", "bfloat16"] },
  decoder: { session: "decoder", part: "vae", output: decoderNames.frames, forms: ["float32", "bfloat16"] },
} as const satisfies Record<
  Subject,
  { session: SessionName; part: WeightedPart; output: string; forms: readonly TorchForm[] }
>;

/** Times rounds of one run of ours and one run of each form of PyTorch. None runs during another. */
export async function timePart(
  family: TimedModel,
  model: ModelFolder,
  subject: Subject,
  { threads, rounds }: Effort,
): Promise<ModelTiming> {
  say(`${family.name}: ${subject}, ${threads} ${threads === 1 ? "thread" : "threads"}`);
  const { session, part, output, forms } = SUBJECTS[subject];
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const precisions = subject === "step" ? PRECISIONS : PRECISIONS.slice(0, 1);
  const computed: OpenedPart[] = [];
  for (const precision of precisions)
    computed.push(await open(model, session, video, { threads, precision }));
  const reused = subject === "step" ? await open(model, "reuse", video, { threads }) : null;
  const job = await mkdtemp(join(tmpdir(), "adareel-job-"));
  await writeJob(job, computed[0]!.feeds, video);
  const torch = await startForms({ folder: model.part(part).folder, job, threads, forms });
  if (typeof torch === "string") sayOnce(`PyTorch was ${torch}`);
  try {
    // These runs are also the warm-up.
    const results: Float32Array[] = [];
    for (const ours of computed)
      results.push((await ours.session.run(ours.feeds))[output]!.data as Float32Array);
    const distances = typeof torch === "string" ? [] : await distancesOf(torch.ready, results[0]!, job);
    await reused?.session.run(reused.feeds);
    const once = await timedRun(computed[0]!, threads);
    const repeats = Math.min(REPEATS_MAX, Math.max(1, Math.ceil(ROUND_MS / once)));
    const median = async (run: () => Promise<number>, count = repeats) =>
      quantile(await times(count, run), 0.5);
    const taken = await inTurns(rounds, async (round) => ({
      ours: await eachOf(computed, (ours) => median(() => timedRun(ours, threads))),
      torch: await eachOf(typeof torch === "string" ? [] : torch.ready, async ({ form, milliseconds }) => {
        if (round > 0 && milliseconds > SLOW * once) return null;
        const run = () => torchRun(torch as RunningTorch, form, threads);
        return median(run, milliseconds > SLOW * once ? 1 : repeats);
      }),
      reused: reused && (await median(() => timedRun(reused, threads), REUSED_PER_ROUND)),
    }));
    return {
      family: family.name,
      subject,
      extent: extentOf(family, model, subject),
      threads,
      ours: precisions.map((precision, index) => ({
        precision,
        difference: relativeDistance(results[index]!, results[0]!),
        runs: taken.map(({ ours }) => ours[index]!),
      })),
      reuse: reused && {
        runs: taken.map((round) => round.reused!),
        blocks: family.timedBlocks,
        publishedBlocks: publishedDepth(family),
      },
      torch:
        typeof torch === "string"
          ? torch
          : {
              version: torch.version,
              forms: [
                ...torch.ready.map(({ form, attention }, index) => ({
                  form,
                  attention,
                  difference: distances[index]!,
                  runs: taken.flatMap((round) => round.torch[index] ?? []),
                })),
                ...torch.failed,
              ],
            },
    };
  } finally {
    for (const ours of computed) await ours.session.release();
    await reused?.session.release();
    if (typeof torch !== "string") await torch.process.close();
    await rm(job, { recursive: true });
  }
}

/** A running torch_model.py, with the forms that it can run and those that it cannot. */
export interface RunningTorch {
  readonly process: TorchProcess;
  readonly version: string;
  readonly ready: readonly {
    form: TorchForm;
    attention: string;
    milliseconds: number;
    memory: number | null;
  }[];
  readonly failed: readonly { form: TorchForm; problem: string }[];
}

/**
 * Starts torch_model.py, which writes the result of each form into the job's folder. Resolves to one sentence if it
 * cannot be started.
 */
export async function startForms(given: {
  folder: string;
  job: string;
  threads: number;
  forms: readonly TorchForm[];
  device?: "cpu" | "cuda";
}): Promise<RunningTorch | string> {
  const { folder, job, threads, forms, device = "cpu" } = given;
  const where = ["--part", folder, "--job", job, "--device", device];
  const words = [...where, "--threads", String(threads), "--forms", ...forms];
  const process = await startTorch(new URL("./torch_model.py", import.meta.url), words);
  if (typeof process === "string") return process;
  const prepared = torchFormsSchema.parse(process.ready).forms;
  for (const form of prepared) if ("problem" in form) say(`PyTorch, ${form.form}: ${form.problem}`);
  return {
    process,
    version: process.version,
    ready: prepared.flatMap((form) => ("problem" in form ? [] : [form])),
    failed: prepared.flatMap((form) => ("problem" in form ? [form] : [])),
  };
}

/**
 * Returns the distance of each form's result from ours.
 *
 * @throws Error if a float32 form differs by more than rounding, since then the two compute different things
 */
async function distancesOf(forms: RunningTorch["ready"], ours: Float32Array, job: string): Promise<number[]> {
  return eachOf(forms, async ({ form }) => {
    const bytes = await readFile(join(job, `${form}.f32`));
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const distance = relativeDistance(ours, theirs);
    if (form.endsWith("bfloat16") || distance <= DIFFERENCE_MAX) return distance;
    throw new Error(`Our result and that of PyTorch (${form}) differ by ${distance}, so nothing is timed.`);
  });
}

async function torchRun({ process }: RunningTorch, form: TorchForm, threads: number): Promise<number> {
  return clocked(runSchema.parse(await process.ask(form)), threads);
}

const said = new Set<string>();

/** Prints a line unless it was printed before: what Python lacks, it lacks for each part. */
function sayOnce(line: string): void {
  if (!said.has(line)) say(line);
  said.add(line);
}

/** Runs rounds one after the other. */
async function inTurns<T>(count: number, round: (index: number) => Promise<T>): Promise<T[]> {
  let index = 0;
  return times(count, () => round(index++));
}

/** Does something with one after the other. */
async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

interface OpenedPart {
  readonly session: Session;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

async function open(
  model: ModelFolder,
  name: SessionName,
  video: BenchmarkVideo,
  { threads, precision }: { threads: number; precision?: Precision },
): Promise<OpenedPart> {
  const { weights, build, feeds } = await openPart(model, name, video);
  const graph = build({ ...(precision && { precision }) });
  const session = await openSession(graph.build(), {
    threads,
    weightsFolder: weights.root,
    // Maps the weights, as with a whole transformer or text encoder. A decoder is complete, so its own size decides.
    weightBytes: name === "decoder" ? graph.weightBytes : MAPPED_BYTES_MIN,
  });
  return { session, feeds: feeds() };
}

async function timedRun({ session, feeds }: OpenedPart, threads: number): Promise<number> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await session.run(feeds);
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  return clocked({ wall, processor: (user + system) / 1000 }, threads);
}

/** Returns the time of a run by the clock that its number of threads allows: that of the processor with one. */
function clocked({ wall, processor }: Run, threads: number): number {
  return threads === 1 ? processor : wall;
}

/** Writes the inputs and the settings of a run of torch_model.py. */
export async function writeJob(
  folder: string,
  feeds: Readonly<Record<string, Tensor>>,
  video: BenchmarkVideo,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const job = { ...video, timestep: TIMESTEP, guidanceScale: GUIDANCE_SCALE };
  await writeFile(join(folder, "job.json"), JSON.stringify(job));
  const wanted = Object.entries(feeds).filter(([name]) => ["latent", "text", "ids"].includes(name));
  await writeFeeds(join(folder, "inputs.safetensors"), Object.fromEntries(wanted));
}

function extentOf(family: TimedModel, model: ModelFolder, subject: Subject): string {
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const decoder = latentDecoder(model.part("vae"));
  const dit = diffusionTransformer(model.part("transformer"), videoShape(decoder, family.stepVideo));
  if (subject === "text")
    return `1 of ${family.parts.text_encoder.config.num_layers} layers, ${dit.text.length} tokens`;
  if (subject === "decoder") return `${video.frames} frames of ${video.width}x${video.height}`;
  return (
    `${family.timedBlocks} of ${publishedDepth(family)} blocks, ${dit.tokenFrames} x ${dit.tokensPerFrame} tokens, ` +
    `text of ${dit.text.length}`
  );
}
