import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { readLora, type TransformerWeights, withLoras } from "../../../lib/generation/lora/index.ts";
import { diffusionTransformer, loraNaming } from "../../../lib/generation/models/index.ts";
import { type Graph, openSession, type Tensor } from "../../../lib/generation/onnx/index.ts";
import { caseFeeds, type Golden, readCases, readGolden, type TransformerCase } from "../models/golden.ts";

/** LoRA files of tools/golden/lora_wan.py, for the tiny Wan of test/golden/models/wan. */
export const LORAS = join(import.meta.dirname, "../../golden/lora");

export interface LoraCase {
  readonly name: string;
  /** Program that made the expected prediction, or "formula" for weights merged by the formula. */
  readonly by: string;
  readonly loras: readonly { readonly file: string; readonly scale: number }[];
}

const told = JSON.parse(await readFile(join(LORAS, "cases.json"), "utf8"));
export const loraCases: readonly LoraCase[] = told.cases;
export const base: Golden = await readGolden(told.base);
export const expected = await Checkpoint.open(join(LORAS, "vectors.safetensors"));
const inputs = (await readCases<TransformerCase>(told.base))[told.case]!;
export const target = { weights: base.weights, naming: loraNaming({ className: "WanTransformer3DModel" }) };

const [frames, height, width] = inputs.latent;
export const dit = diffusionTransformer(
  { className: "WanTransformer3DModel", config: base.config },
  {
    latent: { channels: base.config.in_channels, frames, height, width },
    height: 8 * height,
    width: 8 * width,
    fps: 16,
  },
);

/** Returns the feeds of the goldens' input; a scale of 1 makes the prediction of the first half, 0 of the second. */
export function feeds(guidanceScale: number) {
  return caseFeeds(dit, base, told.case, inputs, guidanceScale);
}

/** Returns the tiny Wan's weights with LoRA files. */
export async function loaded(loras: LoraCase["loras"]): Promise<TransformerWeights> {
  const applied = loras.map(async ({ file, scale }) => ({
    lora: await readLora(join(LORAS, `${file}.safetensors`), target),
    scale,
  }));
  return withLoras(base.weights, await Promise.all(applied));
}

/** Runs a graph once with each of some feeds. */
export async function runEach(
  graph: Graph,
  weights: TransformerWeights,
  each: readonly Record<string, Tensor>[],
): Promise<Record<string, Tensor>[]> {
  const session = await openSession(graph.build(), { weightsFolder: weights.root, threads: 1 });
  try {
    const results = [];
    for (const given of each) results.push(await session.run(given));
    return results;
  } finally {
    await session.release();
  }
}
