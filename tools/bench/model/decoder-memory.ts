/**
 * Measures what a decoder takes on the CPU: `node --import tsx tools/bench/model/decoder-memory.ts FAMILY WIDTHxHEIGHT
 * FRAMES [RUNS [STRIPS]]`, such as `"Wan2.1 1.3B" 832x480 81`. Decodes a random latent as the pipeline does, with random
 * weights of the published size, on one thread. `RUNS` is the most runs of each strip and `STRIPS` the most strips: three
 * runs and one strip reach the peak. Prints the estimate of `models check` and the peak of the process, without what was
 * there before, and seconds of the processor.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { type DecoderRun, latentDecoder } from "../../../lib/generation/models/index.ts";
import { type Graph, openSession } from "../../../lib/generation/onnx/index.ts";
import {
  openRuns,
  runGraphs,
  runsInTurn,
  takeTurns,
} from "../../../lib/generation/pipeline/continued-runs.ts";
import { decodeFrames } from "../../../lib/generation/pipeline/decode.ts";
import { partMemory } from "../../../lib/generation/pipeline/model/part-memory.ts";
import { latentOf } from "./part.ts";
import { writeModel } from "./random-model.ts";
import { randomValues } from "./random-values.ts";
import { timedModels } from "./timed-models.ts";

const MEGABYTE = 1e6;

const [name, size, frames, runsMost = "1000", stripsMost = "1000"] = process.argv.slice(2);
const family = timedModels.find((model) => model.name === name);
const [width, height] = (size ?? "").split("x").map(Number);
if (!family || !width || !height || !Number(frames)) {
  const names = timedModels.map((model) => JSON.stringify(model.name)).join(", ");
  throw new Error(`Name a family (${names}), a size such as 832x480, and a number of frames.`);
}
const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
try {
  const video = { width, height, frames: Number(frames), fps: 16 };
  await writeModel(join(scratch, "model"), family.parts, { video, fills: { vae: "random" } });
  process.stdout.write(
    `${await measure(join(scratch, "model"), video, { runs: Number(runsMost), strips: Number(stripsMost) })}\n`,
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function measure(
  folder: string,
  video: { readonly width: number; readonly height: number; readonly frames: number; readonly fps: number },
  most: Most,
): Promise<string> {
  const vae = (await openModelFolder(folder)).part("vae");
  const decoder = latentDecoder(vae);
  const weights = await vae.checkpoint();
  const whole = latentOf(decoder, video);
  const runs = firstRuns(decoder.runs(whole), most);
  const build = (run: DecoderRun) => decoder.build({ ...whole, ...run }, { weights });
  const open = (graph: Graph) =>
    openSession(graph.build(), { threads: 1, weightsFolder: weights.root, weightBytes: graph.weightBytes });
  const graphs = [...runGraphs(runs, build).values()];
  const { heldBytes } = partMemory("decoder", graphs, { inTurn: takeTurns(runs) });
  const before = status("VmRSS");
  const began = process.cpuUsage();
  const opened = takeTurns(runs) ? runsInTurn(runs, build, open) : await openRuns(runs, build, open);
  const taken = runs.filter(({ takesFeatures }) => !takesFeatures).reduce((sum, run) => sum + run.frames, 0);
  const shape = { ...whole, frames: taken };
  const latent = randomValues(shape.channels * taken * shape.height * shape.width, 1);
  await decodeFrames(latent, shape, { ...decoder, runs: opened.runs, frames: video.frames });
  await opened.release();
  const { user, system } = process.cpuUsage(began);
  const peak = status("VmHWM") - before;
  return [
    `${runs.length} runs, ${graphs.length} sessions`,
    `estimate ${(heldBytes / MEGABYTE).toFixed(0)} MB`,
    `peak ${(peak / MEGABYTE).toFixed(0)} MB, ${(peak / (video.width * video.height)).toFixed(0)} bytes a pixel of a frame`,
    `${((user + system) / 1e6).toFixed(1)} s of the processor, ${(system / 1e6).toFixed(1)} of them in the system`,
  ].join("\n");
}

interface Most {
  readonly runs: number;
  readonly strips: number;
}

/** Returns the first strips, and the first runs of each and of the features. */
function firstRuns(runs: readonly DecoderRun[], most: Most): DecoderRun[] {
  const counts = new Map<string, number>();
  return runs.filter(({ makesFeatures, takesFeatures, strip }) => {
    const made = JSON.stringify({ makesFeatures, takesFeatures, strip });
    const count = 1 + (counts.get(made) ?? 0);
    counts.set(made, count);
    // Features come before the first strip.
    return count <= most.runs && counts.size <= 1 + most.strips;
  });
}

/** Returns a field of this process's status, in bytes. */
function status(field: "VmRSS" | "VmHWM"): number {
  const text = readFileSync("/proc/self/status", "utf8");
  return 1024 * Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(text)?.[1]);
}
