import { execFileSync } from "node:child_process";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelFolder, openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  buildSegment,
  cutNames,
  segmentFeeds,
  segmentNames,
} from "../../lib/generation/models/index.ts";
import { type Graph, openSession, type Precision, type Provider } from "../../lib/generation/onnx/index.ts";
import { ADACACHE_SIGNALS, openTransformer } from "../bench/model/part.ts";
import { writeModel } from "../bench/model/random-model.ts";
import { relativeDistance, runSchema } from "../bench/model/results.ts";
import { shortened, type TimedModel } from "../bench/model/timed-models.ts";
import { startForms, writeJob } from "../bench/model/timing.ts";
import { times } from "../bench/rounds.ts";
import type { ProofPart } from "./plan.ts";
import type { PartResults } from "./results.ts";

/** Reused steps of the segment, about as many as AdaCache grants. */
const REUSED = 4;
const RUNS = 5;
const WARM_UP = 2;

export interface Measuring {
  readonly provider: Provider;
  /** Model with the weights that are measured. */
  readonly model: ModelFolder;
  /** Keeps the results, after each measurement. */
  readonly keep: (results: PartResults) => void;
}

/** Draws the weights of a model with few blocks into a folder, unless an earlier part did. */
export async function drawnModel(family: TimedModel, folder: string): Promise<ModelFolder> {
  const marker = join(folder, "drawn");
  if (!existsSync(marker)) {
    await rm(folder, { recursive: true, force: true });
    const fills = { transformer: "random" } as const;
    await writeModel(folder, shortened(family), { video: family.stepVideo, fills });
    await writeFile(marker, "");
  }
  return openModelFolder(folder);
}

/** Writes results so that a reader never sees half of a file. */
export function keepIn(path: string): (results: PartResults) => void {
  return (results) => {
    writeFileSync(`${path}.new`, `${JSON.stringify(results, null, 1)}\n`);
    renameSync(`${path}.new`, path);
  };
}

/**
 * Measures one model at one size: float32 and float16 steps, computed and reused, a segment beside the same steps one
 * by one, and PyTorch with the same weights and inputs.
 */
export async function measurePart(
  { id, family, size, checksCpu, forms }: ProofPart,
  { provider, model, keep }: Measuring,
): Promise<PartResults> {
  const video = size === "small" ? family.stepVideo : family.video;
  const { dit, weights, feeds: makeFeeds } = await openTransformer(model, video);
  const { width, height, frames } = video;
  const tokens = `${dit.tokenFrames} x ${dit.tokensPerFrame} tokens`;
  const results: PartResults = {
    id,
    family: family.name,
    extent: `${frames} x ${width}x${height}, ${family.timedBlocks} blocks, ${tokens}`,
    state: "running",
    problem: null,
    timed: [],
    checked: [],
  };
  keep(results);
  const feeds = makeFeeds();
  const take = (what: string, precision: string, runs: number[], memory: number | null) => {
    results.timed.push({ what, precision, runs, memory });
    keep(results);
  };
  const check = (what: string, values: ArrayLike<number>, expected: ArrayLike<number>) => {
    results.checked.push({ what, difference: relativeDistance(values, expected) });
    keep(results);
  };
  const open = (graph: Graph, on: Provider) =>
    openSession(graph.build(), {
      provider: on,
      weightsFolder: weights.root,
      weightBytes: graph.weightBytes,
    });

  /** Computes a step once, and returns its prediction. */
  async function predictionOf(precision: Precision, on: Provider): Promise<Float32Array> {
    const session = await open(buildFull(dit, { weights, provider: on, precision }), on);
    const told = await session.run(feeds, [cutNames.prediction]);
    await session.release();
    return told[cutNames.prediction]!.data as Float32Array;
  }

  /** Computes, reuses and runs segments in a precision. */
  async function measureOurs(precision: Precision): Promise<void> {
    const cut = { weights, provider, precision, signals: ADACACHE_SIGNALS };
    const before = gpuMemory();
    const added = () => {
      const now = gpuMemory();
      return now === null || before === null ? null : now - before;
    };
    const full = await open(buildFull(dit, cut), provider);
    const told = [cutNames.prediction, ...ADACACHE_SIGNALS];
    const onDevice = await milliseconds(() => full.run(feeds, told));
    take("computed", precision, onDevice, added());
    const fetching = await milliseconds(() => full.run(feeds));
    take("computed, residual fetched", precision, fetching, null);
    await full.release();
    const reuse = await open(buildReuse(dit, cut), provider);
    const reusing = await milliseconds(() => reuse.run(feeds));
    take("reused", precision, reusing, null);
    await reuse.release();
    // A graph of its own, so that memory and time are those of a segment alone.
    const segment = await open(buildSegment(dit, { ...cut, reused: REUSED }), provider);
    const steps = Array.from({ length: REUSED + 1 }, (_, step) => ({
      timestep: 500 - step,
      latent: 1,
      prediction: -0.01,
    }));
    const segmentInputs = { ...feeds, ...segmentFeeds(dit.conditions, steps, REUSED) };
    const outputs = [segmentNames.latents, cutNames.prediction, ...ADACACHE_SIGNALS];
    take(
      `segment, 1 + ${REUSED}`,
      precision,
      await milliseconds(() => segment.run(segmentInputs, outputs)),
      added(),
    );
    await segment.release();
    const single = median(fetching) + REUSED * median(reusing);
    take(`one by one, 1 + ${REUSED}`, precision, [single], null);
  }

  // What matters most is first, because a part may be cut off: float16, PyTorch, and then the slow float32.
  const float32 = await predictionOf("float32", provider);
  check(`float16 from float32, ${provider}`, await predictionOf("float16", provider), float32);
  await measureOurs("float16");
  if (forms.length > 0) await measureTorch();
  if (checksCpu) check(`float32 on ${provider} from the CPU`, float32, await predictionOf("float32", "cpu"));
  await measureOurs("float32");
  results.state = "done";
  keep(results);
  return results;

  async function measureTorch(): Promise<void> {
    const job = await mkdtemp(join(tmpdir(), "adareel-proof-"));
    await writeJob(job, feeds, video);
    const device = provider === "cuda" ? "cuda" : "cpu";
    const folder = model.part("transformer").folder;
    const torch = await startForms({ folder, job, threads: 1, forms, device });
    if (typeof torch === "string") {
      results.problem = `PyTorch was ${torch}`;
      return;
    }
    try {
      for (const { form, memory } of torch.ready) {
        const runs = await times(RUNS, async () => runSchema.parse(await torch.process.ask(form)).wall);
        take("PyTorch", form, runs, memory == null ? null : memory / 2 ** 20);
        const bytes = await readFile(join(job, `${form}.f32`));
        const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
        check(`PyTorch ${form} from ours in float32`, theirs, float32);
      }
      const failed = torch.failed.map(({ form, problem }) => `PyTorch ${form}: ${problem}`);
      if (failed.length > 0) results.problem = failed.join("; ");
    } finally {
      await torch.process.close();
      await rm(job, { recursive: true });
    }
  }
}

async function milliseconds(run: () => Promise<unknown>): Promise<number[]> {
  await times(WARM_UP, run);
  return times(RUNS, async () => {
    const began = performance.now();
    await run();
    return performance.now() - began;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Returns the MiB of the first GPU that all programs have taken; null if nvidia-smi cannot say. */
function gpuMemory(): number | null {
  try {
    const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"];
    const used = Number(execFileSync("nvidia-smi", query, { stdio: "pipe" }).toString().split("\n")[0]);
    return Number.isFinite(used) ? used : null;
  } catch {
    return null;
  }
}
