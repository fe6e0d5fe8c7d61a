import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BenchmarkVideo,
  buildFull,
  diffusionTransformer,
  latentDecoder,
  type ModelClass,
  type NamedWeights,
  type PublishedPart,
  textEncoder,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";
import type { ExternalTensor } from "../../../lib/generation/onnx/index.ts";
import { runGraphs } from "../../../lib/generation/pipeline/continued-runs.ts";
import { latentOf, videoShape } from "./part.ts";
import { randomValues, volume } from "./random-values.ts";
import { type Shapes, writeWeights } from "./safetensors-file.ts";

/** Untrained models in the Hugging Face layout, with the tensor names and shapes that the graph builders read. */

/** Contents of weights: random numbers, or a hole in a sparse file, which reads as zeros. */
export type Fill = "random" | "hole";

/** Writes `model_index.json`, the configuration of every part, and float32 weights of the parts in `fills`. */
export async function writeModel(
  folder: string,
  parts: Readonly<Record<WeightedPart, PublishedPart>>,
  { video, fills }: { video: BenchmarkVideo; fills: Readonly<Partial<Record<WeightedPart, Fill>>> },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const classes = Object.entries(parts).map(([name, { className }]) => [name, ["published", className]]);
  await writeJson(join(folder, "model_index.json"), Object.fromEntries(classes));
  for (const [name, part] of Object.entries(parts) as [WeightedPart, PublishedPart][]) {
    await mkdir(join(folder, name));
    await writeJson(join(folder, name, "config.json"), { _class_name: part.className, ...part.config });
    const fill = fills[name];
    if (!fill) continue;
    const shapes = wantedShapes(name, parts, video);
    const path = join(folder, name, "model.safetensors");
    await writeWeights(path, shapes, fill === "random" ? randomWeight : undefined);
  }
}

/** Returns the shapes of all weights of a part, by name. */
export function wantedShapes(
  name: WeightedPart,
  parts: Readonly<Record<WeightedPart, ModelClass>>,
  video: BenchmarkVideo,
): Shapes {
  const shapes = new Map<string, readonly number[]>();
  const weights: NamedWeights = {
    has: () => true,
    info: (tensor) => ({ shape: shapes.get(tensor)! }),
    tensor(tensor, shape): ExternalTensor {
      shapes.set(tensor, shape);
      return { dtype: "float32", shape, location: "none", offset: 0, byteLength: 4 * volume(shape) };
    },
  };
  const decoder = latentDecoder(parts.vae);
  const latent = latentOf(decoder, video);
  if (name === "text_encoder") textEncoder(parts.text_encoder).build(1, { weights });
  else if (name === "vae")
    runGraphs(decoder.runs(latent), (run) => decoder.build({ ...latent, ...run }, { weights }));
  else buildFull(diffusionTransformer(parts.transformer, videoShape(decoder, video)), { weights });
  return shapes;
}

/**
 * Draws a weight. Matrices preserve the variance of their inputs, norm weights are near 1, and all other values are
 * near 0. So every term affects the result, and activations do not grow from block to block.
 */
export function randomWeight(name: string, shape: readonly number[]): Float32Array {
  const values = randomValues(volume(shape), seedOf(name));
  const { size, mean } = distributionOf(name, shape);
  for (let i = 0; i < values.length; i++) values[i] = mean + size * values[i]!;
  return values;
}

function distributionOf(name: string, shape: readonly number[]): { size: number; mean: number } {
  if (/norm.*\.weight$|\.gamma$/.test(name)) return { size: 0.2, mean: 1 };
  if (shape.length < 2 || /table|embedding\./.test(name)) return { size: 0.2, mean: 0 };
  const kept = 1 / Math.sqrt(volume(shape) / shape[0]!);
  // Keeps frames within -1..1, because one reference clips them.
  return { size: name.endsWith("decoder.conv_out.weight") ? kept / 5 : kept, mean: 0 };
}

function seedOf(name: string): number {
  let seed = 1;
  for (const character of name) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) | 0;
  return seed;
}

function writeJson(path: string, value: unknown): Promise<void> {
  return writeFile(path, `${JSON.stringify(value, null, 1)}\n`);
}
