import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import {
  type DiffusionTransformer,
  diffusionTransformer,
  generationFeeds,
  stepFeeds,
} from "../../../lib/generation/models/index.ts";
import { type Graph, openSession, type Session, type Tensor } from "../../../lib/generation/onnx/index.ts";
import { adapterEnvironment, hasAdapter } from "../software-adapter.ts";

/**
 * Golden vectors of test/golden/models. The scripts tools/golden/models*.py write them with reference
 * implementations over random weights: diffusers, transformers, or else the authors' own modules.
 */
const folder = join(import.meta.dirname, "../../golden/models");

export interface Golden {
  readonly folder: string;
  // biome-ignore lint/suspicious/noExplicitAny: config.json as it lies; the builders validate it
  readonly config: any;
  readonly weights: Checkpoint;
  readonly vectors: Checkpoint;
}

export async function readGolden(name: string): Promise<Golden> {
  const at = join(folder, name);
  return {
    folder: at,
    config: JSON.parse(await readFile(join(at, "config.json"), "utf8")),
    weights: await Checkpoint.open(at),
    vectors: await readVectors(name),
  };
}

export function readVectors(name: string): Promise<Checkpoint> {
  return Checkpoint.open(join(folder, name, "vectors.safetensors"));
}

export async function readCases<T>(name: string): Promise<T[]> {
  return JSON.parse(await readFile(join(folder, name, "cases.json"), "utf8"));
}

export interface STDiT3Case {
  readonly latent: [frames: number, height: number, width: number];
  readonly timestep: number;
  readonly textLengths: [conditional: number, unconditional: number];
  readonly height: number;
  readonly width: number;
  readonly fps: number;
  readonly givenFrames?: number;
}

export function transformerOf(
  { config }: Golden,
  { latent, height, width, fps, givenFrames = 0 }: STDiT3Case,
): DiffusionTransformer {
  const [frames, latentHeight, latentWidth] = latent;
  return diffusionTransformer(
    { className: "STDiT3", config },
    {
      latent: { channels: config.in_channels, frames, height: latentHeight, width: latentWidth },
      height,
      width,
      fps,
      givenFrames,
    },
  );
}

/** Returns all feeds of golden case `index`, with a previous probe of zeros. */
export async function feedsOf(golden: Golden, index: number, goldenCase: STDiT3Case, guidanceScale: number) {
  const { config, vectors } = golden;
  const dit = transformerOf(golden, goldenCase);
  const text = await vectors.read(`${index}.text`); // [2, model_max_length, caption_channels]
  const states = goldenCase.textLengths.map((tokens, half) => {
    const start = half * config.model_max_length * config.caption_channels;
    return { tokens, data: text.slice(start, start + tokens * config.caption_channels) };
  });
  return {
    ...stepFeeds(dit.conditions, goldenCase.timestep),
    ...generationFeeds(dit.conditions, { texts: states }),
    latent: float32(await vectors.read(`${index}.latent`), [1, config.in_channels, ...goldenCase.latent]),
    previousProbe: float32(new Float32Array(2 * dit.tokens * dit.width), [2, dit.tokens, dit.width]),
    guidanceScale: float32(new Float32Array([guidanceScale]), []),
  };
}

export interface TransformerCase {
  readonly latent: [frames: number, height: number, width: number];
  readonly timestep: number;
  readonly textLengths: [conditional: number, unconditional: number];
}

/** Returns all feeds of case `index` of any transformer, with a previous probe of zeros. */
export async function caseFeeds(
  dit: DiffusionTransformer,
  { vectors }: Golden,
  index: number,
  { timestep, textLengths }: TransformerCase,
  guidanceScale: number,
) {
  const [, rows, width] = vectors.info(`${index}.text`).shape as [number, number, number];
  const text = await vectors.read(`${index}.text`); // [2, rows, width]
  const texts = textLengths.map((tokens, half) => ({
    tokens,
    data: text.slice(half * rows * width, (half * rows + tokens) * width),
  }));
  const { channels, frames, height, width: latentWidth } = dit.latent;
  const latent = float32(await vectors.read(`${index}.latent`), [1, channels, frames, height, latentWidth]);
  return {
    ...stepFeeds(dit.conditions, timestep),
    ...generationFeeds(dit.conditions, { texts }),
    latent,
    previousProbe: float32(new Float32Array(2 * dit.tokens * dit.width), [2, dit.tokens, dit.width]),
    guidanceScale: float32(new Float32Array([guidanceScale]), []),
  };
}

export function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

/**
 * Opens a graph on the CPU. With `ADAREEL_WEBGPU` set, those that are built for WebGPU run on an adapter in software
 * instead, which takes minutes.
 */
export function open(graph: Graph, weights: Checkpoint): Promise<Session> {
  const onGpu = graph.provider === "webgpu" && process.env.ADAREEL_WEBGPU !== undefined && hasAdapter;
  if (onGpu) Object.assign(process.env, adapterEnvironment);
  const provider = onGpu ? "webgpu" : "cpu";
  return openSession(graph.build(), { weightsFolder: weights.root, threads: 1, provider });
}

/** Runs a graph once. */
export async function run(graph: Graph, weights: Checkpoint, feeds: Record<string, Tensor>) {
  const session = await open(graph, weights);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Returns the largest difference divided by the largest expected magnitude. */
export function relativeError(actual: Tensor | undefined, expected: Float32Array): number {
  if (actual?.data.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let magnitude = 0;
  for (const [i, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(Number(actual.data[i]) - value));
    magnitude = Math.max(magnitude, Math.abs(value));
  }
  return difference === 0 ? 0 : difference / magnitude;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Copies a golden's weights with another header, such as other names or shapes of the same bytes. The copy is
 * removed after the test.
 */
export async function withHeader(
  golden: Golden,
  change: (name: string, entry: HeaderEntry) => [string, HeaderEntry],
): Promise<Checkpoint> {
  const file = await readFile(join(golden.folder, "model.safetensors"));
  const end = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, end)) as Record<string, HeaderEntry>;
  const entries = Object.entries(header).map(([name, entry]) =>
    name === "__metadata__" ? [name, entry] : change(name, entry),
  );
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const directory = await mkdtemp(join(tmpdir(), "adareel-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "model.safetensors");
  await writeFile(path, Buffer.concat([length, text, file.subarray(end)]));
  return Checkpoint.open(path);
}
