import type { Config, Family, PublishedModel } from "./family.ts";
import { latte } from "./latte/family.ts";
import { openSora } from "./open-sora/family.ts";
import { openSoraPlan } from "./open-sora-plan/family.ts";
import { wan } from "./wan/family.ts";

/** Every family. Registry, hub recipes, benchmark and the table of docs/models.md are made from this list. */
export const families: readonly Family[] = [latte, openSora, openSoraPlan, wan];

/** All models of all families. */
export const publishedModels: readonly PublishedModel[] = families.flatMap(({ models }) => models);

/** The classes of pipeline of which models are known. */
export const knownPipelines: readonly string[] = families.map(({ pipeline }) => pipeline);

/** The family that the index of a model names; undefined where none is known. */
export function familyOf(index: Config): Family | undefined {
  return families.find(({ pipeline }) => pipeline === index._class_name);
}

/**
 * The published model that a folder holds; undefined where none is known.
 *
 * @param readTransformer the configuration of its transformer, which is read where the index leaves several models
 */
export async function publishedModelOf(
  index: Config,
  readTransformer: () => Promise<Config>,
): Promise<PublishedModel | undefined> {
  const models = familyOf(index)?.models ?? [];
  const candidates = models.filter(({ matchesIndex }) => matchesIndex?.(index) ?? true);
  const isOpen = candidates.some(({ matchesTransformer }) => matchesTransformer);
  const transformer = isOpen ? await readTransformer() : {};
  return candidates.find(({ matchesTransformer }) => matchesTransformer?.(transformer) ?? true);
}
