import { type HubSource, publishedModels } from "../../generation/models/index.ts";
import { HubError } from "./hub-error.ts";

/** Parts of a pipeline that are run; others, such as safety checkers, are left where they are. */
export function isKnownPart(name: string): boolean {
  return /^(text_encoder|tokenizer|transformer(_2)?|vae|scheduler)$/.test(name);
}

const sources = publishedModels.flatMap(({ hub }) => hub ?? []);

/** The names of published models that `recipeOf` takes. */
export const recipeNames: readonly string[] = sources.map(({ name }) => name);

/**
 * Looks up where a model comes from: the source of a published model by its name or its repository, or else any other
 * repository as it is. `name` is what to call the model's folder.
 *
 * @throws HubError for what is neither a name nor a repository
 */
export function recipeOf(model: string): HubSource & { readonly name: string } {
  const known = sources.find(({ name, id }) => name === model || id === model);
  if (known) return known;
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(model)) return { name: model.split("/")[1]!.toLowerCase(), id: model };
  throw new HubError(
    `${JSON.stringify(model)} is no folder, no id such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers, ` +
      `and none of ${recipeNames.join(", ")}.`,
  );
}
