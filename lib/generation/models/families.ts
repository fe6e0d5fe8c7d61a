import type { Config, Family, PublishedModel } from "./family.ts";
import { latte } from "./latte/family.ts";
import { ltxCondition } from "./ltx/condition-family.ts";
import { ltxVideo } from "./ltx/family.ts";
import { openSora } from "./open-sora/family.ts";
import { openSoraPlan } from "./open-sora-plan/family.ts";
import { wan } from "./wan/family.ts";

/**
 * All families. The registry, hub recipes, the benchmark and the table of docs/models.md are derived from this list.
 *
 * @example
 * ```ts
 * families.map(({ name }) => name); // ["Latte", "Open-Sora", "Open-Sora-Plan", "Wan", "LTX-Video", ...]
 * ```
 */
export const families: readonly Family[] = [latte, openSora, openSoraPlan, wan, ltxVideo, ltxCondition];

/** All models of all families. */
export const publishedModels: readonly PublishedModel[] = families.flatMap(({ models }) => models);

/** Pipeline classes of all families, as `model_index.json` names them. */
export const knownPipelines: readonly string[] = families.flatMap(({ pipelines }) => pipelines);

/**
 * Returns the family of the pipeline class that a model's index names; undefined if no family has it.
 *
 * @example
 * ```ts
 * familyOf({ _class_name: "WanPipeline" })?.name; // "Wan"
 * ```
 */
export function familyOf(index: Config): Family | undefined {
  return families.find(({ pipelines }) => pipelines.some((name) => name === index._class_name));
}

/** Published model whose limits serve for a folder. */
export interface NearestModel {
  readonly model: PublishedModel;
  /** False if the folder holds another model of the family, such as one with another number of layers. */
  readonly isHeld: boolean;
}

/**
 * Returns the published model that a folder holds, or else the first of its family that the index allows; undefined if
 * there is none.
 *
 * @param readTransformer reads the configuration of the transformer; called only if the index does not decide the model
 */
export async function nearestModelOf(
  index: Config,
  readTransformer: () => Promise<Config>,
): Promise<NearestModel | undefined> {
  const held = await publishedModelOf(index, readTransformer);
  const model = held ?? familyOf(index)?.models.find(({ matchesIndex }) => matchesIndex?.(index) ?? true);
  return model && { model, isHeld: held !== undefined };
}

/**
 * Returns the published model that a folder holds; undefined if it is not known.
 *
 * @param readTransformer reads the configuration of the transformer; called only if the index does not decide the model
 */
async function publishedModelOf(
  index: Config,
  readTransformer: () => Promise<Config>,
): Promise<PublishedModel | undefined> {
  const models = familyOf(index)?.models ?? [];
  const candidates = models.filter(({ matchesIndex }) => matchesIndex?.(index) ?? true);
  const isOpen = candidates.some(({ matchesTransformer }) => matchesTransformer);
  const transformer = isOpen ? await readTransformer() : {};
  return candidates.find(({ matchesTransformer }) => matchesTransformer?.(transformer) ?? true);
}
