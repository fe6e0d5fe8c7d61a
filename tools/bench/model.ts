import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ModelFolder, openModelFolder } from "../../lib/checkpoint/index.ts";
import { cutNames, decoderNames, diffusionTransformer, latentDecoder } from "../../lib/models/index.ts";
import { MAPPED_BYTES_MIN, openSession, type Session, type Tensor } from "../../lib/onnx/index.ts";
import { circumstances } from "./machine.ts";
import {
  type Family,
  families,
  publishedDepth,
  shortened,
  TIMED_BLOCKS,
  type VideoSize,
  type WeightedPart,
} from "./model-families.ts";
import { GUIDANCE_SCALE, openPart, TIMESTEP, videoShape } from "./model-part.ts";
import { modelReport } from "./model-report.ts";
import {
  type ModelResults,
  type ModelSession,
  type ModelTiming,
  modelResultsSchema,
  openingSchema,
  relativeDistance,
  type Subject,
  torchTimesSchema,
} from "./model-results.ts";
import { docsFolder, positiveInteger, resultsFolder, userPath } from "./options.ts";
import { type Fill, writeModel } from "./random-model.ts";
import { readResults, updateDocument, writeText } from "./results-file.ts";
import { say, times } from "./rounds.ts";
import { writeFeeds } from "./safetensors-file.ts";
import { probeSession } from "./session-process.ts";
import { quantile } from "./statistics.ts";
import type { SessionName } from "./step-results.ts";
import { startTorch } from "./torch-process.ts";

const WHOLE = { rounds: 3 } as const;
const QUICK = { rounds: 1 } as const;
/** Of ours in a round: they are short. */
const REUSED_PER_ROUND = 5;
/** Of results that are the same but for rounding. */
const DIFFERENCE_MAX = 1e-4;

/** The graph of a subject, the part it is of, and the output that PyTorch's is held against. */
const SUBJECTS = {
  step: { session: "full", part: "transformer", output: cutNames.prediction },
  text: { session: "text", part: "text_encoder", output: "states" },
  decoder: { session: "decoder", part: "vae", output: decoderNames.frames },
} as const satisfies Record<Subject, { session: SessionName; part: WeightedPart; output: string }>;

/**
 * `model [--threads N] [--quick] [--from FILE]`: steps of the published architectures with random weights beside PyTorch,
 * and what it takes to open them as large as they are. A quick run measures in fewer rounds and reports beside its
 * measurements in out/bench.
 */
export async function runModel(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      threads: { type: "string" },
      quick: { type: "boolean", default: false },
      from: { type: "string" },
    },
  });
  const cores = availableParallelism();
  const threads = values.threads === undefined ? cores : positiveInteger("threads", values.threads, cores);
  const results = values.from
    ? await readResults(userPath(values.from), modelResultsSchema)
    : await measure({ threads, ...(values.quick ? QUICK : WHOLE) }, ["model", ...args]);
  const isWhole = results.timings.every(({ ours }) => ours.length >= WHOLE.rounds);
  const path = join(isWhole ? docsFolder : resultsFolder, "benchmarks.md");
  await updateDocument(path, "model", modelReport(results));
  process.stdout.write(`Wrote ${path}.\n`);
}

interface Effort {
  readonly threads: number;
  readonly rounds: number;
}

async function measure(effort: Effort, args: readonly string[]): Promise<ModelResults> {
  const described = await circumstances(args, null, ["onnxruntime-node"]);
  const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
  const timings: ModelTiming[] = [];
  const decoders: ModelSession[] = [];
  try {
    for (const family of families) {
      const model = await shortModel(family, scratch);
      const subjects: Subject[] = ["step", ...(family.timesText ? (["text"] as const) : []), "decoder"];
      for (const subject of subjects) timings.push(await time(family, model, subject, effort));
      say(`${family.name}: memory of the decoder`);
      decoders.push(await probe(family, model.folder, "decoder", family.decodedVideo, true));
      await rm(model.folder, { recursive: true });
    }
    const loadAfter = loadavg()[0]!;
    const openings = await openPublished(scratch);
    const { threads } = effort;
    const kind = "model";
    const results = {
      kind,
      circumstances: described,
      threads,
      loadAfter,
      timings,
      decoders,
      openings,
    } as const;
    await writeText(join(resultsFolder, "model.json"), `${JSON.stringify(results, null, 1)}\n`);
    return results;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function shortModel(family: Family, scratch: string): Promise<ModelFolder> {
  return openedModel(join(scratch, "short"), shortened(family), family.stepVideo, {
    transformer: "random",
    vae: "random",
    ...(family.timesText && { text_encoder: "random" }),
  });
}

async function openedModel(
  folder: string,
  parts: Family["parts"],
  video: VideoSize,
  fills: Partial<Record<WeightedPart, Fill>>,
): Promise<ModelFolder> {
  await writeModel(folder, parts, { video, fills });
  return openModelFolder(folder);
}

/** Rounds of a run of ours and one of PyTorch's, which wait for each other. */
async function time(
  family: Family,
  model: ModelFolder,
  subject: Subject,
  { threads, rounds }: Effort,
): Promise<ModelTiming> {
  say(`${family.name}: ${subject}`);
  const { session, part, output } = SUBJECTS[subject];
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const computed = await open(model, session, video, threads);
  const reused = subject === "step" ? await open(model, "reuse", video, threads) : null;
  const job = join(model.folder, "job", subject);
  await writeJob(job, computed.feeds, video);
  const folder = model.part(part).folder;
  const words = ["--part", folder, "--job", job, "--threads", String(threads)];
  const torch = await startTorch("torch_model.py", words);
  if (typeof torch === "string") say(`PyTorch ${torch}`);
  try {
    const result = (await computed.session.run(computed.feeds))[output]!; // and warms up
    const isAlone = typeof torch === "string";
    const difference = isAlone ? 0 : await distance(result, join(job, "output.f32"));
    if (difference > DIFFERENCE_MAX) {
      throw new Error(
        `${family.name}, ${subject}: ours and PyTorch's results differ by ${difference}, so nothing is timed.`,
      );
    }
    await reused?.session.run(reused.feeds);
    const runs = await times(rounds, async () => ({
      ours: await milliseconds(computed),
      torch: isAlone ? null : torchTimesSchema.parse(await torch.ask("1")).times[0]!,
      reused: reused && quantile(await times(REUSED_PER_ROUND, () => milliseconds(reused)), 0.5),
    }));
    return {
      family: family.name,
      subject,
      extent: extentOf(family, model, subject),
      ours: runs.map((run) => run.ours),
      reuse: reused && {
        runs: runs.map((run) => run.reused!),
        blocks: TIMED_BLOCKS,
        publishedBlocks: publishedDepth(family),
      },
      torch: isAlone ? torch : { version: torch.version, difference, runs: runs.map((run) => run.torch!) },
    };
  } finally {
    await computed.session.release();
    await reused?.session.release();
    if (typeof torch !== "string") await torch.close();
  }
}

interface OpenedPart {
  readonly session: Session;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

async function open(
  model: ModelFolder,
  name: SessionName,
  video: VideoSize,
  threads: number,
): Promise<OpenedPart> {
  const { weights, build, feeds } = await openPart(model, name, video);
  const graph = build();
  const session = await openSession(graph.build(), {
    threads,
    weightsFolder: weights.root,
    // Held as those of a whole transformer or text encoder are; a decoder is whole as it is.
    weightBytes: name === "decoder" ? graph.weightBytes : MAPPED_BYTES_MIN,
  });
  return { session, feeds: feeds() };
}

async function milliseconds({ session, feeds }: OpenedPart): Promise<number> {
  const began = performance.now();
  await session.run(feeds);
  return performance.now() - began;
}

/** What torch_model.py is to compute. */
async function writeJob(folder: string, feeds: OpenedPart["feeds"], video: VideoSize): Promise<void> {
  await mkdir(folder, { recursive: true });
  const job = { ...video, timestep: TIMESTEP, guidanceScale: GUIDANCE_SCALE };
  await writeFile(join(folder, "job.json"), JSON.stringify(job));
  const wanted = Object.entries(feeds).filter(([name]) => ["latent", "text", "ids"].includes(name));
  await writeFeeds(join(folder, "inputs.safetensors"), Object.fromEntries(wanted));
}

/** The largest distance to the float32 values of a file, over the largest of them. */
async function distance(result: Tensor, path: string): Promise<number> {
  const bytes = await readFile(path);
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return relativeDistance(result.data as Float32Array, expected);
}

function extentOf(family: Family, model: ModelFolder, subject: Subject): string {
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const decoder = latentDecoder(model.part("vae"));
  const dit = diffusionTransformer(model.part("transformer"), videoShape(decoder, family.stepVideo));
  if (subject === "text")
    return `1 of ${family.parts.text_encoder.config.num_layers} layers, ${dit.textLength} tokens`;
  if (subject === "decoder") return `${video.frames} frames of ${video.width}x${video.height}`;
  return (
    `${TIMED_BLOCKS} of ${publishedDepth(family)} blocks, ${dit.tokenFrames} x ${dit.tokensPerFrame} tokens, ` +
    `text of ${dit.textLength}`
  );
}

async function probe(
  family: Family,
  folder: string,
  session: SessionName,
  video: VideoSize,
  runs: boolean,
): Promise<ModelSession> {
  const opening = await probeSession(folder, session, openingSchema, { video, runs });
  return { family: family.name, session, video, opening };
}

/** Every family at its full depth and its default size; of the smallest a step is run, at the size that is timed. */
async function openPublished(scratch: string): Promise<ModelSession[]> {
  const openings: ModelSession[] = [];
  const folders = families.map((family, index) => ({ family, folder: join(scratch, `published-${index}`) }));
  for (const { family, folder } of folders) {
    say(`${family.name}: opening the published size`);
    const fills = { transformer: "hole", text_encoder: "hole", vae: "hole" } as const;
    await openedModel(folder, family.parts, family.stepVideo, fills);
    for (const session of ["full", "reuse", "text", "decoder"] as const)
      openings.push(await probe(family, folder, session, family.video, false));
  }
  const bytes = ({ family }: { family: Family }) =>
    openings.find((opened) => opened.family === family.name)!.opening.weightBytes;
  const { family, folder } = folders.toSorted((a, b) => bytes(a) - bytes(b))[0]!;
  say(`${family.name}: one step of the whole model`);
  return [...openings, await probe(family, folder, "full", family.stepVideo, true)];
}
