import { join, resolve } from "node:path";
import * as z from "zod";
import { isThere } from "../../../shared/is-there.ts";
import { faultsOf, nameOf } from "../../../shared/sentences/index.ts";
import { TABLE_FILE } from "../../caching/index.ts";
import { CheckpointError, type Config, modelNameOf, readJsonFile } from "../../checkpoint/index.ts";
import {
  familyOf,
  knownPipelines,
  nearestModelOf,
  type Recipe,
  recipeSchema,
  type Sampling,
} from "../../models/index.ts";
import { type VideoLimits, videoLimitsSchema } from "../../request/index.ts";
import { loraList } from "./lora-list.ts";

/** Limits that an index may state; the others follow from the folder and from the recipe. */
const statedLimits = videoLimitsSchema.omit({
  has_cache_table: true,
  has_fixed_steps: true,
  is_distilled: true,
  loras: true,
});

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
  /** Sampling that LoRAs of the model's list are made for, by name; null for the model's. */
  readonly loraSampling: ReadonlyMap<string, Sampling | null>;
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
 * folder holds. A folder without that member, which holds no published model, has those of the likeliest of its family.
 *
 * @throws CheckpointError if limits or recipe are missing or wrong
 */
export async function readDescription(folder: string, index: Config): Promise<FolderDescription> {
  const { video } = index;
  const nearest = await nearestModelOf(index, async () => {
    const path = join(folder, "transformer", "config.json");
    // If the index has limits, a missing configuration of the transformer is no fault here.
    return video === undefined ? readJsonFile(path) : readJsonFile(path).catch(() => ({}));
  });
  const isAssumed = nearest !== undefined && !nearest.isHeld && video === undefined;
  const known = nearest?.isHeld || isAssumed ? nearest.model.video : undefined;
  const { recipe: common } = familyOf(index) ?? {};
  const own = typeof video === "object" ? { ...known, ...video } : (video ?? known);
  const said = typeof own === "object" ? { ...common, ...own } : own;
  const loras = await loraList(folder);
  const [limits, recipe] = [statedLimits.safeParse(said), recipeSchema.safeParse(said)];
  if (limits.success && recipe.success)
    return {
      name: modelNameOf(resolve(folder)),
      limits: {
        ...limitedBy(recipe.data.sampling, withSecondScale(limits.data, index)),
        has_cache_table: await isThere(join(folder, TABLE_FILE)),
        ...(loras.length > 0 && { loras: loras.map(({ listed }) => listed) }),
      },
      recipe: recipe.data,
      assumed: isAssumed ? nearest.model.title : null,
      loraSampling: new Map(loras.map(({ listed, sampling }) => [listed.name, sampling])),
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

/** Returns the limits of a model whose weights sample in this way: distilled ones have fixed steps and no guidance. */
function limitedBy({ sigmas, distilled }: Sampling, limits: VideoLimits): VideoLimits {
  return {
    ...limits,
    ...(sigmas && { steps: sigmas.length, has_fixed_steps: true }),
    ...(distilled && { guidance_scale: 1, is_distilled: true }),
    ...(distilled && limits.guidance_scale_2 !== undefined && { guidance_scale_2: 1 }),
  };
}

/** Adds the second guidance scale to the limits of a model with two transformers: that of the first by default. */
function withSecondScale(limits: VideoLimits, { boundary_ratio }: Config): VideoLimits {
  if (typeof boundary_ratio !== "number") return limits;
  return { guidance_scale_2: limits.guidance_scale, ...limits };
}
