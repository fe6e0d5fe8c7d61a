import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { examined } from "../../../shared/sentences/index.ts";
import { CheckpointError, readJsonFile } from "../../checkpoint/index.ts";
import { type Sampling, samplingSchema } from "../../models/index.ts";
import { type ListedLora, LORA_NAME, listedLoraSchema } from "../../request/index.ts";

/** Folder of a model that holds its LoRAs: `NAME.safetensors`, or a folder `NAME` with a file for each transformer. */
const LORAS = "loras";
const ENDING = ".safetensors";
const LIMITS = { bytesMax: 2 ** 16, depthMax: 4, valuesMax: 1000 };

/** Schema of the file beside a LoRA: what people are told, defaults of requests, and its sampling. */
const settingsSchema = z
  .strictObject({
    ...listedLoraSchema.pick({ title: true, trigger_words: true, steps: true, guidance_scale: true }).shape,
    ...samplingSchema.shape,
    distilled: z.boolean().optional(),
  })
  .refine(({ steps, sigmas }) => steps === undefined || !sigmas || steps === sigmas.length, {
    path: ["steps"],
    message: "must be the number of sigmas",
  });

/** LoRA of a model's list with the sampling that it is made for; null for the model's own. */
export interface ListedWithSampling {
  readonly listed: ListedLora;
  readonly sampling: Sampling | null;
}

/**
 * Lists the LoRAs in a model's folder by name, with the settings of the JSON files beside them. Opens none of them.
 *
 * @throws CheckpointError if such a JSON file cannot be used
 */
export async function loraList(folder: string): Promise<ListedWithSampling[]> {
  const entries = await readdir(join(folder, LORAS), { withFileTypes: true }).catch((cause) => {
    if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return [];
    throw CheckpointError.from(join(folder, LORAS), cause);
  });
  const files = new Set(entries.map(({ name }) => name));
  const names = entries.flatMap((entry) => {
    const isFile = entry.name.endsWith(ENDING);
    const name = isFile ? entry.name.slice(0, -ENDING.length) : entry.name;
    const isLora = isFile || entry.isDirectory() || (entry.isSymbolicLink() && !entry.name.endsWith(".json"));
    return isLora && LORA_NAME.test(name) ? [name] : [];
  });
  return Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const json = `${name}.json`;
      return listedWith(name, files.has(json) ? await settingsIn(join(folder, LORAS, json)) : {});
    }),
  );
}

function listedWith(name: string, settings: z.infer<typeof settingsSchema>): ListedWithSampling {
  const { scheduler, sigmas, shift, distilled, ...told } = settings;
  const sampling = { scheduler, sigmas, shift, distilled };
  const hasSampling = Object.values(sampling).some((value) => value !== undefined);
  return {
    listed: {
      name,
      ...told,
      ...(sigmas && { steps: sigmas.length, has_fixed_steps: true }),
      ...(distilled && { guidance_scale: 1, is_distilled: true }),
    },
    sampling: hasSampling ? samplingSchema.parse(sampling) : null,
  };
}

async function settingsIn(path: string): Promise<z.infer<typeof settingsSchema>> {
  const result = examined(settingsSchema, await readJsonFile(path, LIMITS), { whole: "it" });
  if (result.ok) return result.value;
  throw new CheckpointError(path, result.fault.sentence.replace(/\.$/, ""));
}

/** Files of a LoRA: one for all transformers, or one for each. */
export type LoraFiles =
  | { readonly all: string }
  | { readonly each: readonly [first: string, second: string] };

/** Returns the path of a LoRA of a model's list, without the ending of a file. */
export function listedPath(folder: string, name: string): string {
  return join(folder, LORAS, name);
}

/**
 * Finds the files of a LoRA.
 *
 * @param path a file, with or without its ending, or a folder with a file for each of two transformers, whose names
 *   have `high` and `low` in them, as they have for the two noise levels of Wan 2.2
 * @throws CheckpointError if there is neither
 */
export async function loraFiles(path: string): Promise<LoraFiles> {
  for (const candidate of [path, `${path}${ENDING}`]) {
    const status = await stat(candidate).catch(() => null);
    if (!status) continue;
    return status.isDirectory() ? { each: await filesOfBoth(candidate) } : { all: candidate };
  }
  throw new CheckpointError(path, "no such file or folder");
}

async function filesOfBoth(folder: string): Promise<[first: string, second: string]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(ENDING));
  const of = (noise: RegExp) => files.filter((name) => noise.test(name));
  const [high, low] = [of(/high/i), of(/low/i)];
  if (high.length === 1 && low.length === 1 && high[0] !== low[0])
    return [join(folder, high[0]!), join(folder, low[0]!)];
  throw new CheckpointError(
    folder,
    "it must hold a .safetensors file with high in its name, for the first transformer, and one with low, for the second",
  );
}
