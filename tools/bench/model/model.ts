import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type ModelFolder, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import type { BenchmarkVideo, WeightedPart } from "../../../lib/generation/models/index.ts";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { type Circumstances, circumstances } from "../machine.ts";
import { demoModel, docsFolder, positiveInteger, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { say } from "../rounds.ts";
import type { SessionName } from "../step/results.ts";
import { type Fill, writeModel } from "./random-model.ts";
import { modelReport, verdict } from "./report.ts";
import {
  type ModelResults,
  type ModelSession,
  type ModelTiming,
  modelResultsSchema,
  openingSchema,
  type Subject,
} from "./results.ts";
import { probeSession } from "./session-process.ts";
import { shortened, type TimedModel, timedModels, wholeModel } from "./timed-models.ts";
import { timePart } from "./timing.ts";

const ROUNDS = 5;
const QUICK_ROUNDS = 1;
/** Threads of each side, as far as the machine has cores. */
const THREADS = [1, 2];
const DEMO = "Demo model";

/** Parts of the benchmark that are measured of each model. */
const PARTS = ["steps", "others", "sizes"] as const;
type Part = (typeof PARTS)[number];

interface Plan {
  readonly threads: readonly number[];
  readonly families: readonly TimedModel[];
  readonly parts: readonly Part[];
  readonly rounds: number;
}

/**
 * Runs `model [--threads LIST] [--only NAMES] [--parts LIST] [--quick] [--from FILE]`: compares the demo model and steps
 * of the published architectures, with random weights, with PyTorch, and opens the models at their published size.
 *
 * Measurements are kept in out/bench/model.json, so that `--only` and `--parts` measure some of them again. The report
 * of a complete run goes to docs, any other to out/bench.
 */
export async function runModel({
  values,
  args,
}: Written<"threads" | "only" | "parts" | "from">): Promise<void> {
  const demo = wholeModel(DEMO, await openModelFolder(demoModel));
  const all = [demo, ...timedModels];
  const cores = availableParallelism();
  const plan: Plan = {
    threads:
      listed(values.threads, (text) => positiveInteger("threads", text, cores)) ??
      THREADS.filter((count) => count <= cores),
    families: all.filter(({ name }) =>
      isNamed(
        name,
        listed(values.only, (text) => familyNamed(all, text)),
      ),
    ),
    parts: listed(values.parts, partNamed) ?? PARTS,
    rounds: values.quick ? QUICK_ROUNDS : ROUNDS,
  };
  const file = join(resultsFolder, values.quick ? "model-quick.json" : "model.json");
  const results = values.from
    ? await readResults(userPath(values.from), modelResultsSchema)
    : await measure(plan, all, ["model", ...args], file);
  const path = join(isWhole(results, all) ? docsFolder : resultsFolder, "benchmarks.md");
  await updateDocument(path, "model", modelReport(results));
  process.stdout.write(`${verdict(results.timings)}\nWrote ${path}.\n`);
}

function listed<T>(text: string | undefined, read: (item: string) => T): readonly T[] | undefined {
  return text?.split(",").map((item) => read(item.trim()));
}

function isNamed(name: string, names: readonly string[] | undefined): boolean {
  return names?.includes(name) ?? true;
}

/** @throws UsageError unless a family has the name, in whatever case */
function familyNamed(all: readonly TimedModel[], text: string): string {
  const found = all.find(({ name }) => name.toLowerCase() === text.toLowerCase());
  if (found) return found.name;
  const names = all.map(({ name }) => name).join(", ");
  throw new UsageError(`--only has no model ${JSON.stringify(text)}: name some of ${names}.`);
}

/** @throws UsageError unless it is a part */
function partNamed(text: string): Part {
  const found = PARTS.find((part) => part === text);
  if (found) return found;
  throw new UsageError(`--parts has no ${JSON.stringify(text)}: name some of ${PARTS.join(", ")}.`);
}

/** Returns whether everything was measured with one and two threads in the rounds of a complete run. */
function isWhole({ timings, decoders, openings }: ModelResults, all: readonly TimedModel[]): boolean {
  const hasAll = all.every((family) =>
    subjectsOf(family, PARTS).every((subject) =>
      THREADS.every((threads) =>
        timings.some(
          (timing) =>
            timing.family === family.name &&
            timing.subject === subject &&
            timing.threads === threads &&
            timing.ours[0]!.runs.length >= ROUNDS,
        ),
      ),
    ),
  );
  const hasSizes = timedModels.every(({ name }) =>
    [decoders, openings].every((sessions) => sessions.some(({ family }) => family === name)),
  );
  return hasAll && hasSizes;
}

function subjectsOf({ name, timesText }: TimedModel, parts: readonly Part[]): Subject[] {
  const others: Subject[] = name === DEMO ? [] : timesText ? ["text", "decoder"] : ["decoder"];
  return [
    ...(parts.includes("steps") ? (["step"] as const) : []),
    ...(parts.includes("others") ? others : []),
  ];
}

async function measure(
  { threads, families, parts, rounds }: Plan,
  all: readonly TimedModel[],
  args: readonly string[],
  file: string,
): Promise<ModelResults> {
  const described = await circumstances(args, null, ["onnxruntime-node"]);
  const results = await earlierResults(file, described);
  const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
  const write = () => writeText(file, `${JSON.stringify(results, null, 1)}\n`);
  try {
    for (const family of families) {
      const isDemo = family.name === DEMO;
      const model = isDemo ? await openModelFolder(demoModel) : await shortModel(family, scratch);
      for (const subject of subjectsOf(family, parts)) {
        for (const count of threads) {
          const timing = await timePart(family, model, subject, { threads: count, rounds });
          results.timings = results.timings.filter((earlier) => !isSame(earlier, timing)).concat(timing);
          await write();
        }
      }
      if (isDemo) continue;
      if (parts.includes("sizes")) {
        say(`${family.name}: memory of the decoder`);
        const decoder = await probe(family, model.folder, "decoder", family.measuredVideo, true);
        const opened = await openPublished(family, scratch);
        results.decoders = without(results.decoders, family).concat(decoder);
        results.openings = without(results.openings, family).concat(opened);
        await write();
      }
      await rm(model.folder, { recursive: true });
    }
    const order = (name: string) => all.findIndex((family) => family.name === name);
    const inOrder = (a: { family: string }, b: { family: string }) => order(a.family) - order(b.family);
    results.timings.sort((a, b) => inOrder(a, b) || a.threads - b.threads);
    results.decoders.sort(inOrder);
    results.openings.sort(inOrder);
    results.loadAfter = loadavg()[0]!;
    await write();
    return results;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Returns the earlier measurements of this machine and these packages, to which a command adds its own. */
async function earlierResults(file: string, described: Circumstances): Promise<ModelResults> {
  const earlier = existsSync(file) ? await readResults(file, modelResultsSchema) : null;
  const isSameMachine = earlier && isDeepStrictEqual(earlier.circumstances.machine, described.machine);
  const { commands, timings, decoders, openings } = isSameMachine
    ? earlier
    : { commands: [], timings: [], decoders: [], openings: [] };
  return {
    kind: "model",
    circumstances: described,
    commands: [...new Set([...commands, described.command])],
    loadAfter: loadavg()[0]!,
    timings,
    decoders,
    openings,
  };
}

function isSame(a: ModelTiming, b: ModelTiming): boolean {
  return a.family === b.family && a.subject === b.subject && a.threads === b.threads;
}

function without<T extends { readonly family: string }>(sessions: readonly T[], { name }: TimedModel): T[] {
  return sessions.filter(({ family }) => family !== name);
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

/** Family whose whole transformer computes a step, that of the fewest weights. */
const STEPPED = "Latte-1";

/**
 * Opens a model with all blocks at its default video size. With the smallest model, a step is run too, at the video
 * size that is timed.
 */
async function openPublished(family: TimedModel, scratch: string): Promise<ModelSession[]> {
  say(`${family.name}: opening the published size`);
  const folder = join(scratch, "published");
  const fills = { transformer: "hole", text_encoder: "hole", vae: "hole" } as const;
  await openedModel(folder, family.parts, family.stepVideo, fills);
  const openings: ModelSession[] = [];
  for (const session of ["full", "reuse", "text", "decoder"] as const)
    openings.push(await probe(family, folder, session, family.video, false));
  if (family.name === STEPPED) {
    say(`${family.name}: one step of the whole model`);
    openings.push(await probe(family, folder, "full", family.stepVideo, true));
  }
  await rm(folder, { recursive: true });
  return openings;
}
