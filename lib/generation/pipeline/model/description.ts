import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as z from "zod";
import { faultsOf, nameOf } from "../../../shared/sentences/index.ts";
import { TABLE_FILE } from "../../caching/index.ts";
import { CheckpointError, type Config, modelNameOf, readJsonFile } from "../../checkpoint/index.ts";
import { knownPipelines, likelyModelOf, publishedModelOf, type Recipe, recipeSchema } from "../../models/index.ts";
import { type VideoLimits, videoLimitsSchema } from "../../request/index.ts";
import { loraList } from "./lora-list.ts";

/** Limits that an index may state; tables, LoRAs and transformers are seen from the folder. */
const statedLimits = videoLimitsSchema.omit({ has_cache_table: true, loras: true, transformers: true });

/** Facts of a model that requests depend on. */
export interface ModelDescription {
  /** Last component of the path of the folder. */
  readonly name: string;
  readonly limits: VideoLimits;
}

/** Description of a folder with what opening it needs besides. */
export interface FolderDescription extends ModelDescription {
  readonly recipe: Recipe;
  /** Title of the published model whose limits are used because the folder holds none that is known; else null. */
  readonly assumed: string | null;
}

/**
 * Reads a model's name and limits from its `model_index.json`. Limits that are missing there are those of the published
 * model that the folder holds, or of the likeliest one of its family. Opens no part of the model.
 *
 * @throws CheckpointError if the index cannot be read or the limits are unknown
 */
export async function describeModel(folder: string): Promise<ModelDescription> {
  const { name, limits } = await readDescription(
    folder,
    await readJsonFile(join(folder, "model_index.json")),
  );
  return { name, limits };
}

/**
 * Reads the member `video` of a model's index. Values that are missing there are those of the published model that the
 * folder holds. A folder without that member, which holds no published model, has those of its family's likeliest model.
 *
 * @throws CheckpointError if limits or recipe are missing or wrong
 */
export async function readDescription(folder: string, index: Config): Promise<FolderDescription> {
  const { video } = index;
  const published = await publishedModelOf(index, async () => {
    const path = join(folder, "transformer", "config.json");
    // If the index has limits, a missing configuration of the transformer is no fault here.
    return video === undefined ? readJsonFile(path) : readJsonFile(path).catch(() => ({}));
  });
  const assumed = published || video !== undefined ? undefined : likelyModelOf(index);
  const known = (published ?? assumed)?.video;
  const said = typeof video === "object" ? { ...known, ...video } : (video ?? known);
  const [limits, recipe] = [statedLimits.safeParse(said), recipeSchema.safeParse(said)];
  if (limits.success && recipe.success)
    return {
      name: modelNameOf(resolve(folder)),
      limits: {
        ...limits.data,
        has_cache_table: await hasCacheTable(folder),
        loras: await loraList(folder),
        // A pipeline that has only one says [null, null] of the second.
        ...(hasPart(index, "transformer_2") && { transformers: 2 }),
      },
      recipe: recipe.data,
      assumed: assumed?.title ?? null,
    };
  if (said === undefined) throw new CheckpointError(folder, `model_index.json ${whyUnknown(index)}`);
  const [fault] = [statedLimits, recipeSchema].flatMap((schema) =>
    faultsOf(z.object({ video: schema }), { video: said }, { whole: "it" }),
  );
  const why = fault!.sentence.replace(/\.$/, "");
  throw new CheckpointError(folder, `model_index.json does not say what the model can make: ${why}`);
}

/** Returns why nothing is known of what a model makes; continues a sentence about its index. */
function whyUnknown({ _class_name: pipeline }: Config): string {
  if (typeof pipeline !== "string") return "names no pipeline under _class_name";
  if (!knownPipelines.includes(pipeline))
    return (
      `names the pipeline ${nameOf(pipeline)}: only ${knownPipelines.join(", ")} are known, ` +
      "and others must say under video what they can make"
    );
  return (
    `names the pipeline ${pipeline} with parts of no published model: it must say under video what the model makes ` +
    "(sizes, frames, fps, steps, guidance_scale)"
  );
}

function hasPart(index: Config, name: string): boolean {
  const entry = index[name];
  return Array.isArray(entry) && typeof entry[1] === "string";
}

function hasCacheTable(folder: string): Promise<boolean> {
  return access(join(folder, TABLE_FILE)).then(
    () => true,
    () => false,
  );
}
