/**
 * Measures weights in 8-bit integers from a file beside a part's own, on the CPU: `node --import tsx
 * tools/bench/model/eight-bit.ts [ROUNDS]`. Opens the whole transformer of Wan 1.3B, and runs two layers of UMT5-XXL at
 * their published width, in turns with other storage and each in a fresh process. Prints tables of medians, and the
 * error of the text encoder's states.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { convertModel, openModelFolder, writeQuantized } from "../../../lib/generation/checkpoint/index.ts";
import type { BenchmarkVideo } from "../../../lib/generation/models/index.ts";
import { openSession, type Precision } from "../../../lib/generation/onnx/index.ts";
import { recordedWeights } from "../../../lib/generation/pipeline/model/opened-part.ts";
import { table } from "../markdown.ts";
import { say } from "../rounds.ts";
import { openPart } from "./part.ts";
import { writeModel } from "./random-model.ts";
import { openingSchema } from "./results.ts";
import { type ProbeOptions, probeSession } from "./session-process.ts";
import { shortened, timedModels } from "./timed-models.ts";

const textSchema = openingSchema.extend({ weights: z.number(), processor: z.number() });
const openSchema = openingSchema.extend({ weights: z.number() });

const ROUNDS = 3;
const MEGABYTE = 1e6;
const wan = timedModels.find(({ name }) => name === "Wan2.1 1.3B")!;
const video = wan.stepVideo;

const rounds = Number(process.argv[2] ?? ROUNDS);
const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
try {
  process.stdout.write(`${await transformer(scratch, rounds)}\n\n${await textEncoder(scratch, rounds)}\n`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** Measures how long a whole transformer takes to open. Its float32 weights are a hole on the disk. */
async function transformer(scratch: string, rounds: number): Promise<string> {
  const folder = join(scratch, "transformer");
  await writeModel(folder, wan.parts, { video, fills: { transformer: "hole", vae: "hole" } });
  const began = performance.now();
  await quantizePart(folder, "transformer");
  say(`quantised the transformer in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  const rows: string[][] = [];
  for (const precision of ["float32", "int8"] as const) {
    const probes: z.infer<typeof openSchema>[] = [];
    for (let round = 1; round <= rounds; round++)
      probes.push(await probeSession(folder, "full", openSchema, { video, precision, runs: false }));
    const milliseconds = (of: (probe: z.infer<typeof openSchema>) => number) =>
      (median(probes.map(of)) / 1000).toFixed(2);
    rows.push([
      precision,
      milliseconds(({ weights }) => weights),
      milliseconds(({ build }) => build),
      milliseconds(({ open }) => open),
      added(probes),
    ]);
  }
  return table(
    ["Wan 1.3B, 30 blocks", "Headers, s", "Graph, s", "Session, s", "Memory added, MB"],
    rows,
    [0],
  );
}

async function textEncoder(scratch: string, rounds: number): Promise<string> {
  const { text_encoder, ...others } = shortened(wan);
  const parts = {
    ...others,
    text_encoder: { ...text_encoder, config: { ...text_encoder.config, num_layers: 2 } },
  };
  const [float32, bfloat16] = [join(scratch, "float32"), join(scratch, "bfloat16")];
  await writeModel(float32, parts, { video, fills: { text_encoder: "random", vae: "hole" } });
  await convertModel({ folder: float32, out: bfloat16, dtype: "bfloat16" });
  await quantizePart(float32, "text_encoder");
  const ways: Readonly<Record<string, [folder: string, options: ProbeOptions]>> = {
    "float32, copied": [float32, { mappedBytesMin: 2 ** 50 }],
    "float32, mapped": [float32, { mappedBytesMin: 0 }],
    "bfloat16, cast in each run": [bfloat16, { mappedBytesMin: 0 }],
    "int8, cast in each run": [float32, { mappedBytesMin: 0, precision: "int8" }],
  };
  const measured = new Map(Object.keys(ways).map((way) => [way, [] as z.infer<typeof textSchema>[]]));
  for (let round = 1; round <= rounds; round++)
    for (const [way, [folder, options]] of Object.entries(ways)) {
      say(`text encoder, ${way}, round ${round} of ${rounds}`);
      measured.get(way)!.push(await probeSession(folder, "text", textSchema, { video, ...options }));
    }
  const [copied] = measured.values();
  const rows = [...measured].map(([way, probes]) => [
    way,
    (median(probes.map(({ open }) => open)) / 1000).toFixed(2),
    (median(probes.map(({ processor }) => processor)) / 1000).toFixed(2),
    median(probes.map(({ processor }, round) => processor / copied![round]!.processor)).toFixed(2),
    added(probes),
  ]);
  const errors = [await stateError(float32, float32, "int8"), await stateError(float32, bfloat16, "float32")];
  const [int8, rounded] = errors.map((error) => error.toPrecision(2));
  return `${table(
    ["UMT5-XXL, 2 layers", "Open, s", "Run, s of processor", "Ratio", "Memory added, MB"],
    rows,
    [0],
  )}\n\nRelative L2 error of the states, against float32: int8 ${int8}, bfloat16 ${rounded}`;
}

/** Writes the weights that a part's graph takes in 8-bit integers to the file beside them. */
async function quantizePart(folder: string, name: "transformer" | "text_encoder"): Promise<void> {
  const model = await openModelFolder(folder);
  const part = { ...model.part(name), weights: await model.part(name).checkpoint() };
  const { weights, names } = recordedWeights(part);
  const session = name === "transformer" ? "full" : "text";
  (await openPart(model, session, video, "int8")).build({ weights });
  await writeQuantized({ part, names });
}

/** Returns the relative L2 error of a text encoder's states against those of another folder's in float32. */
async function stateError(exact: string, folder: string, precision: Precision): Promise<number> {
  const [expected, actual] = [await states(exact, video, "float32"), await states(folder, video, precision)];
  let [error, size] = [0, 0];
  for (const [i, value] of expected.entries()) {
    error += (actual[i]! - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(error / size);
}

async function states(folder: string, video: BenchmarkVideo, precision: Precision): Promise<Float32Array> {
  const { weights, build, feeds } = await openPart(await openModelFolder(folder), "text", video, precision);
  const mapping = { mappedBytesMin: 0 };
  const graph = build(mapping);
  const session = await openSession(graph.build(), {
    weightsFolder: weights.root,
    weightBytes: graph.weightBytes,
    ...mapping,
  });
  const { states } = await session.run(feeds());
  await session.release();
  return states!.data as Float32Array;
}

function added(probes: readonly z.infer<typeof openingSchema>[]): string {
  const bytes = probes.map(({ memory }) => (memory ? memory.peak - memory.before : Number.NaN));
  return (median(bytes) / MEGABYTE).toFixed(0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
