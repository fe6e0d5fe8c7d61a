import { type HubSource, publishedModels } from "../../generation/models/index.ts";
import { nearest } from "../../shared/sentences/index.ts";
import { HubError } from "./hub-error.ts";

/** Returns whether a part of a pipeline is run. Other parts, such as safety checkers, are not downloaded. */
export function isKnownPart(name: string): boolean {
  return /^(text_encoder|tokenizer|transformer(_2)?|vae|scheduler)$/.test(name);
}

const sources = publishedModels.flatMap(({ hub }) => hub ?? []);

/** Names of the published models that `recipeOf` knows. */
export const recipeNames: readonly string[] = sources.map(({ name }) => name);

/**
 * Looks up the source of a model: that of a published model by its name or repository id, or else any other repository
 * as it is. `name` is the name for the model's folder.
 *
 * @throws HubError if the text is neither a known name nor the id of a repository
 */
export function recipeOf(model: string): HubSource & { readonly name: string } {
  const known = sources.find(({ name, id }) => name === model || id === model);
  if (known) return known;
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(model)) return { name: model.split("/")[1]!.toLowerCase(), id: model };
  const meant = nearest(model.toLowerCase(), recipeNames);
  throw new HubError(
    meant === undefined
      ? `${JSON.stringify(model)} is no folder, no id such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers, ` +
          `and none of ${recipeNames.join(", ")}.`
      : `${JSON.stringify(model)} is no model that can be added: did you mean ${meant}?`,
  );
}
