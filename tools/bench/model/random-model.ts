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
import { latentOf, videoShape } from "./part.ts";
import { randomValues, volume } from "./random-values.ts";
import { type Shapes, writeWeights } from "./safetensors-file.ts";

/** Untrained models in the layout of the hub. Names and shapes of their weights are those that the builders ask for. */

/** Contents of weights: random numbers of the sizes that networks have, or a hole on the disk, which reads as zeros. */
export type Fill = "random" | "hole";

/** Writes `model_index.json`, the configuration of every part, and the float32 weights of the parts in `fills`. */
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

/** Returns the shape of every weight of a part, by its name. */
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
  else if (name === "vae") decoder.build({ ...latent, ...decoder.runs(latent)[0]! }, { weights });
  else buildFull(diffusionTransformer(parts.transformer, videoShape(decoder, video)), { weights });
  return shapes;
}

/**
 * Returns random values of a weight. Matrices keep the size of their input, vectors that multiply are near one, all
 * others are near zero. So no term can hide, and nothing grows from block to block more than in trained models.
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
  // Keeps pictures within -1..1, to which one reference clamps them.
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
