/**
 * Measures both ways to apply a LoRA, on two blocks as wide as Wan 2.1 1.3B's, with random weights in float32 on the CPU:
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
const VARIANTS = ["base", ...RANKS.flatMap((rank) => [`branches ${rank}`, `merged ${rank}`])];
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
  const { dit, feeds } = await openTransformer(await openModelFolder(folder), published.stepVideo);
  const began = performance.now();
  const weights = await weightsOf(folder, variant);
  const graph = buildFull(dit, { weights, signals: ["change"] });
  // Real models are above the size from which weights are mapped.
  const options = { weightsFolder: weights.root, weightBytes: MAPPED_BYTES_MIN };
  const session = await openSession(graph.build(), options);
  return { session, feeds: feeds(), openMs: performance.now() - began };
}

/** Writes a LoRA for the attention and feed-forward layers of all blocks, and the weights merged with it. */
async function writeLora(folder: string, rank: number): Promise<number> {
  const base = await Checkpoint.open(join(folder, "transformer"));
  const changed = base.names().filter((name) => /blocks\.\d+\.(attn\d\.to_|ffn\.).*weight$/.test(name));
  const shapes = new Map<string, number[]>();
  for (const name of changed) {
    const [out, inputs] = base.info(name).shape as [number, number];
    const layer = `transformer.${name.slice(0, -".weight".length)}`;
    shapes.set(`${layer}.lora_A.weight`, [rank, inputs]).set(`${layer}.lora_B.weight`, [out, rank]);
  }
  await writeWeights(loraPath(folder, rank), shapes, randomWeight);
  const began = performance.now();
  await merge(base, await withRank(folder, base, rank), { changed, path: mergedPath(folder, rank) });
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

async function timed(session: Session, feeds: Parameters<Session["run"]>[0]): Promise<number> {
  const began = performance.now();
  await session.run(feeds);
  return performance.now() - began;
}

async function main(rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-bench-lora-"));
  try {
    const { transformer, ...others } = published.parts;
    const shallow = { ...transformer, config: { ...transformer.config, num_layers: BLOCKS } };
    const model = join(folder, "model");
    await mkdir(folder, { recursive: true });
    const fills = { transformer: "random" } as const;
    await writeModel(model, { transformer: shallow, ...others }, { video: published.stepVideo, fills });
    const mergeMs = new Map<number, number>();
    for (const rank of RANKS) {
      say(`merging rank ${rank}`);
      mergeMs.set(rank, await writeLora(model, rank));
    }
    const probes = new Map<string, Probe>();
    for (const variant of VARIANTS) {
      say(`opening ${variant}`);
      probes.set(variant, await probe(model, variant));
    }
    say("steps");
    const opened = [];
    for (const variant of VARIANTS) opened.push(await openVariant(model, variant));
    for (const { session, feeds } of opened) await session.run(feeds);
    const taken = VARIANTS.map((): number[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [index, { session, feeds }] of opened.entries())
        taken[index]!.push(await timed(session, feeds));
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
    const head = [
      "variant",
      "merge",
      "written",
      "open",
      "memory of its own",
      "mapped",
      "step",
      "step to base",
    ];
    process.stdout.write(`${table(head, rows)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "probe") await answerProbe(rest[0]!, rest[1]!);
else await main(Number(first ?? 15));
