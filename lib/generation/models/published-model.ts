import { familyOf } from "./families.ts";
import type { Config, PublishedModel } from "./family.ts";

/**
 * Returns the published model whose limits may serve for a folder of a family that holds none of them, such as one with
 * another number of layers: the first that the index allows. Returns undefined if there is none.
 */
export function likelyModelOf(index: Config): PublishedModel | undefined {
  const models = familyOf(index)?.models ?? [];
  return models.find(({ matchesIndex }) => matchesIndex?.(index) ?? true);
}

/**
 * Returns the published model that a folder holds; undefined if it is not known.
 *
 * @param readTransformer reads the configuration of the transformer; called only if the index does not decide the model
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
