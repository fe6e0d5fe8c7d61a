import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelFolder, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import type { BenchmarkVideo, WeightedPart } from "../../../lib/generation/models/index.ts";
import { circumstances } from "../machine.ts";
import { docsFolder, positiveInteger, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { say } from "../rounds.ts";
import type { SessionName } from "../step/results.ts";
import { type Fill, writeModel } from "./random-model.ts";
import { modelReport } from "./report.ts";
import {
  type ModelResults,
  type ModelSession,
  type ModelTiming,
  modelResultsSchema,
  openingSchema,
  type Subject,
} from "./results.ts";
import { probeSession } from "./session-process.ts";
import { shortened, type TimedModel, timedModels } from "./timed-models.ts";
import { type Effort, timePart } from "./timing.ts";

const WHOLE = { rounds: 5 } as const;
const QUICK = { rounds: 1 } as const;

/**
 * Runs `model [--threads N] [--quick] [--from FILE]`: compares steps of the published architectures with PyTorch, with
 * random weights, and opens the models at their published size. A quick run has fewer rounds, and writes its report
 * to out/bench.
 */
export async function runModel({ values, args }: Written<"threads" | "from">): Promise<void> {
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

async function measure(effort: Effort, args: readonly string[]): Promise<ModelResults> {
  const described = await circumstances(args, null, ["onnxruntime-node"]);
  const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
  const timings: ModelTiming[] = [];
  const decoders: ModelSession[] = [];
  try {
    for (const family of timedModels) {
      const model = await shortModel(family, scratch);
      const subjects: Subject[] = ["step", ...(family.timesText ? (["text"] as const) : []), "decoder"];
      for (const subject of subjects) timings.push(await timePart(family, model, subject, effort));
      say(`${family.name}: memory of the decoder`);
      decoders.push(await probe(family, model.folder, "decoder", family.measuredVideo, true));
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

function shortModel(family: TimedModel, scratch: string): Promise<ModelFolder> {
  return openedModel(join(scratch, "short"), shortened(family), family.stepVideo, {
    transformer: "random",
    vae: "random",
    ...(family.timesText && { text_encoder: "random" }),
  });
}

async function openedModel(
  folder: string,
  parts: TimedModel["parts"],
  video: BenchmarkVideo,
  fills: Partial<Record<WeightedPart, Fill>>,
): Promise<ModelFolder> {
  await writeModel(folder, parts, { video, fills });
  return openModelFolder(folder);
}

async function probe(
  family: TimedModel,
  folder: string,
  session: SessionName,
  video: BenchmarkVideo,
  runs: boolean,
): Promise<ModelSession> {
  const opening = await probeSession(folder, session, openingSchema, { video, runs });
  return { family: family.name, session, video, opening };
}

/**
 * Opens every model with all blocks at its default video size. With the smallest model, a step is run too, at the video
 * size that is timed.
 */
async function openPublished(scratch: string): Promise<ModelSession[]> {
  const openings: ModelSession[] = [];
  const folders = timedModels.map((family, index) => ({
    family,
    folder: join(scratch, `published-${index}`),
  }));
  for (const { family, folder } of folders) {
    say(`${family.name}: opening the published size`);
    const fills = { transformer: "hole", text_encoder: "hole", vae: "hole" } as const;
    await openedModel(folder, family.parts, family.stepVideo, fills);
    for (const session of ["full", "reuse", "text", "decoder"] as const)
      openings.push(await probe(family, folder, session, family.video, false));
  }
  const bytes = ({ family }: { family: TimedModel }) =>
    openings.find((opened) => opened.family === family.name)!.opening.weightBytes;
  const { family, folder } = folders.toSorted((a, b) => bytes(a) - bytes(b))[0]!;
  say(`${family.name}: one step of the whole model`);
  return [...openings, await probe(family, folder, "full", family.stepVideo, true)];
}
