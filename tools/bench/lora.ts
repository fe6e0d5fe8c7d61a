/**
 * Measures both ways to apply a LoRA, on two blocks as wide as Wan 2.1 1.3B's, with random float32 weights on the CPU:
 * as branches beside the mapped weights, and merged into a second file of weights, which the product does not do.
 *
 *     node --import tsx tools/bench/lora.ts [ROUNDS]
 *
 * Steps take turns in one process, sessions are opened in a process each. Prints tables in Markdown.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Checkpoint, openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import { readLora, type TransformerWeights, withLoras } from "../../lib/generation/lora/index.ts";
import { buildFull, families, loraNaming } from "../../lib/generation/models/index.ts";
import { Graph, MAPPED_BYTES_MIN, openSession, type Session } from "../../lib/generation/onnx/index.ts";
import { table } from "./markdown.ts";
import { openTransformer } from "./model/part.ts";
import { randomWeight, writeModel } from "./model/random-model.ts";
import { type Shapes, writeWeights } from "./model/safetensors-file.ts";
import { say } from "./rounds.ts";
import { ratios, spread } from "./statistics.ts";

const RANKS = [32, 64];
const BLOCKS = 2;
const MIB = 2 ** 20;
/** Merged weights take as long whatever the rank was. */
const VARIANTS = ["base", ...RANKS.map((rank) => `branches ${rank}`), `merged ${RANKS[0]}`];
const published = families.flatMap(({ models }) => models).find(({ hub }) => hub?.name === "wan2.1-1.3b")!
  .benchmark!;

const loraPath = (folder: string, rank: number) => join(folder, `lora-${rank}.safetensors`);
const mergedPath = (folder: string, rank: number) => join(folder, `merged-${rank}.safetensors`);

/** Opens the weights of a variant. */
async function weightsOf(folder: string, variant: string): Promise<TransformerWeights> {
  const [kind, rank] = variant.split(" ");
  if (kind === "merged") return Checkpoint.open(mergedPath(folder, Number(rank)));
  const weights = await Checkpoint.open(join(folder, "transformer"));
  return kind === "base" ? weights : withRank(folder, weights, Number(rank));
}

async function withRank(folder: string, weights: Checkpoint, rank: number): Promise<TransformerWeights> {
  const naming = loraNaming({ className: "WanTransformer3DModel" });
  return withLoras(weights, [
    { lora: await readLora(loraPath(folder, rank), { weights, naming }), scale: 1 },
  ]);
}

async function openVariant(folder: string, variant: string) {
  const { dit, feeds } = await openTransformer(await openModelFolder(folder), published.measuredVideo);
  const began = performance.now();
  const weights = await weightsOf(folder, variant);
  const graph = buildFull(dit, { weights, signals: ["change"] });
  // Real models are above the size from which weights are mapped.
  const options = { weightsFolder: weights.root, weightBytes: MAPPED_BYTES_MIN };
  const session = await openSession(graph.build(), options);
  return { session, feeds: feeds(), openMs: performance.now() - began };
}

const changedNames = (base: Checkpoint) =>
  base.names().filter((name) => /blocks\.\d+\.(attn\d\.to_|ffn\.).*weight$/.test(name));

/** Writes a LoRA for the attention and feed-forward layers of all blocks. */
async function writeLora(folder: string, rank: number): Promise<void> {
  const base = await Checkpoint.open(join(folder, "transformer"));
  const shapes = new Map<string, number[]>();
  for (const name of changedNames(base)) {
    const [out, inputs] = base.info(name).shape as [number, number];
    const layer = `transformer.${name.slice(0, -".weight".length)}`;
    shapes.set(`${layer}.lora_A.weight`, [rank, inputs]).set(`${layer}.lora_B.weight`, [out, rank]);
  }
  await writeWeights(loraPath(folder, rank), shapes, randomWeight);
}

/** Writes the weights merged with a LoRA, and returns the milliseconds that this took. */
async function writeMerged(folder: string, rank: number): Promise<number> {
  const base = await Checkpoint.open(join(folder, "transformer"));
  const began = performance.now();
  const weights = await withRank(folder, base, rank);
  await merge(base, weights, { changed: changedNames(base), path: mergedPath(folder, rank) });
  return performance.now() - began;
}

/** Writes all weights, those that a LoRA changes merged with it by onnxruntime. */
async function merge(
  base: Checkpoint,
  weights: TransformerWeights,
  { changed, path }: { changed: readonly string[]; path: string },
): Promise<void> {
  const merged = new Map<string, Float32Array>();
  for (const name of changed) {
    const graph = new Graph({ weights });
    graph.output("merged", graph.weight(name, base.info(name).shape));
    const session = await openSession(graph.build(), { weightsFolder: weights.root });
    merged.set(name, (await session.run({})).merged!.data as Float32Array);
    await session.release();
  }
  const others = base.names().filter((name) => !merged.has(name));
  for (const name of others) merged.set(name, await base.read(name));
  const shapes: Shapes = new Map([...merged.keys()].map((name) => [name, base.info(name).shape]));
  await writeWeights(path, shapes, (name) => merged.get(name)!);
}

/** Sizes of a change, relative to its weight. */
const CHANGES = [3e-2, 1e-2, 3e-3, 1e-3];
const SIDE = 512;

/** Returns what is left of a change of rank 32 that was merged into bfloat16: its error, and the share along itself. */
function mergedIntoBfloat16(relative: number): { error: number; kept: number } {
  const weight = randomWeight("w", [SIDE, SIDE]);
  const [down, up] = [randomWeight("down", [32, SIDE]), randomWeight("up", [SIDE, 32])];
  const change = weight.map((_, at) => {
    const [row, column] = [Math.floor(at / SIDE), at % SIDE];
    let sum = 0;
    for (let k = 0; k < 32; k++) sum += up[row * 32 + k]! * down[k * SIDE + column]!;
    return sum;
  });
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const stored = weight.map(bfloat16);
  const scale = (relative * norm(stored)) / norm(change);
  const wanted = change.map((value) => scale * value);
  const got = stored.map((value, at) => bfloat16(value + wanted[at]!) - value);
  const along = got.reduce((sum, value, at) => sum + value * wanted[at]!, 0);
  return {
    error: norm(got.map((value, at) => value - wanted[at]!)) / norm(wanted),
    kept: along / norm(wanted) ** 2,
  };
}

/** Rounds to the nearest bfloat16, ties to even. */
function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(rounded >>> 0).buffer)[0]!;
}

/** Memory of this process by /proc, in MiB: what it holds alone, and what it maps from files. */
function memory() {
  const status = readFileSync("/proc/self/status", "utf8");
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) / 1024;
  return { anonymous: of("RssAnon"), file: of("RssFile"), peak: of("VmHWM") };
}

interface Probe {
  readonly openMs: number;
  readonly before: ReturnType<typeof memory>;
  readonly after: ReturnType<typeof memory>;
}

async function probe(folder: string, variant: string): Promise<Probe> {
  const child = fork(import.meta.filename, ["probe", folder, variant], { execArgv: process.execArgv });
  const [message] = await once(child, "message");
  return message as Probe;
}

async function answerProbe(folder: string, variant: string): Promise<void> {
  const warm = await openSession(empty(), {});
  const before = memory();
  const { session, feeds, openMs } = await openVariant(folder, variant);
  await session.run(feeds);
  process.send!({ openMs, before, after: memory() } satisfies Probe);
  await warm.release();
  process.disconnect();
}

/** A graph that does nothing, so that loading the runtime is not counted. */
function empty(): Uint8Array {
  const graph = new Graph();
  graph.output("y", graph.input("x", "float32", [1]));
  return graph.build();
}

/** Returns the milliseconds of processor time of a run, which other programs disturb less than its duration. */
async function timed(session: Session, feeds: Parameters<Session["run"]>[0]): Promise<number> {
  const before = process.cpuUsage();
  await session.run(feeds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function main(rounds: number): Promise<void> {
  const losses = CHANGES.map((relative) => {
    const { error, kept } = mergedIntoBfloat16(relative);
    return [String(relative), `${(error * 100).toFixed(1)} %`, kept.toFixed(2)];
  });
  process.stdout.write(`${table(["change to weight", "error in bfloat16", "kept"], losses)}\n\n`);
  const folder = await mkdtemp(join(tmpdir(), "adareel-bench-lora-"));
  try {
    const { transformer, ...others } = published.parts;
    const shallow = { ...transformer, config: { ...transformer.config, num_layers: BLOCKS } };
    const model = join(folder, "model");
    await mkdir(folder, { recursive: true });
    const fills = { transformer: "random" } as const;
    await writeModel(model, { transformer: shallow, ...others }, { video: published.measuredVideo, fills });
    const mergeMs = new Map<number, number>();
    for (const rank of RANKS) {
      await writeLora(model, rank);
      if (!VARIANTS.includes(`merged ${rank}`)) continue;
      say(`merging rank ${rank}`);
      mergeMs.set(rank, await writeMerged(model, rank));
    }
    const probes = new Map<string, Probe>();
    for (const variant of VARIANTS) {
      say(`opening ${variant}`);
      const measured = await probe(model, variant);
      say(JSON.stringify(measured));
      probes.set(variant, measured);
    }
    say("steps");
    const opened = [];
    for (const variant of VARIANTS) opened.push(await openVariant(model, variant));
    for (const { session, feeds } of opened) await session.run(feeds);
    const taken = VARIANTS.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { session, feeds }] of opened.entries())
        taken[index]!.push(await timed(session, feeds));
      say(taken.map((times) => times.at(-1)!.toFixed(0)).join(" "));
    }
    const rows = await Promise.all(
      VARIANTS.map(async (variant, index) => {
        const { openMs, before, after } = probes.get(variant)!;
        const [kind, rank] = variant.split(" ");
        const file = kind === "branches" ? loraPath : mergedPath;
        const bytes = kind === "base" ? 0 : (await stat(file(model, Number(rank)))).size;
        const ratio = spread(ratios(taken[index]!, taken[0]!));
        return [
          variant,
          kind === "merged" ? `${(mergeMs.get(Number(rank))! / 1000).toFixed(1)} s` : "–",
          `${(bytes / MIB).toFixed(0)} MiB`,
          `${openMs.toFixed(0)} ms`,
          `${(after.anonymous - before.anonymous).toFixed(0)} MiB`,
          `${(after.file - before.file).toFixed(0)} MiB`,
          `${spread(taken[index]!).median.toFixed(0)} ms`,
          `${ratio.median.toFixed(3)} (${ratio.p10.toFixed(3)}–${ratio.p90.toFixed(3)})`,
        ];
      }),
    );
    const head = ["variant", "merge", "written", "open", "memory of its own", "mapped", "step", "to base"];
    process.stdout.write(`${table(head, rows)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "probe") await answerProbe(rest[0]!, rest[1]!);
else await main(Number(first ?? 15));
