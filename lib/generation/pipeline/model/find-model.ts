import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isFolder } from "../../../shared/is-folder.ts";
import { listed, nearest } from "../../../shared/sentences/index.ts";
import { shownPath } from "../../../shared/shown-path.ts";
import { snapshotOf, strangePath } from "../../checkpoint/index.ts";
import { publishedModels } from "../../models/index.ts";
import { RequestError } from "../../request/index.ts";

/** Folder of the models that are part of the program, such as the demo model. */
const OWN = fileURLToPath(new URL("../../../../models", import.meta.url));
/** Folder for models in the user's folder. */
const MODELS = "models";
const INDEX = "model_index.json";

const published = publishedModels.flatMap(({ hub }) => hub ?? []);

/**
 * Finds the folder of a model. A user names it by its path, by the name of its folder in `models/` of the user's folder
 * or of the program, or by its id on the hub.
 *
 * @param folder folder of the user, which relative paths start from
 * @throws RequestError that says which models there are, and how to add one that is known
 * @example
 * findModel("demo", process.cwd()); // "/home/me/adareel/models/demo"
 */
export function findModel(given: string, folder: string): string {
  const source = published.find(({ name, id }) => given === name || given === id);
  const path = resolve(folder, given);
  const name = source?.name ?? given;
  const places = [path, ...shelves(folder).map((shelf) => join(shelf, name))];
  const found = given === "" ? undefined : places.map(snapshotOf).find(isModel);
  if (found !== undefined) return found;
  const here = namesIn(folder);
  if (source)
    throw refusal(`The model ${name} is not on this machine, which has ${list(here)}. ${howToAdd(source)}`);
  if (given !== "" && (isPath(given) || existsSync(path))) throw refusal(notModel(path, folder, here));
  throw refusal(unknownName(given, here));
}

function refusal(message: string): RequestError {
  return new RequestError(message, { field: "model" });
}

function unknownName(given: string, here: readonly string[]): string {
  const names = [...here, ...published.map(({ name }) => name)];
  const meant = closest(given, [...new Set(names)]);
  const begin = `There is no model ${JSON.stringify(given)}`;
  if (meant === undefined) {
    return `${begin}: this machine has ${list(here)}, and npm run models -- add downloads ${list(others(here))}.`;
  }
  const source = here.includes(meant) ? undefined : published.find(({ name }) => name === meant);
  return `${begin}: did you mean ${meant}?${source ? ` ${howToAdd(source)}` : ""}`;
}

function howToAdd({ name, gigabytes }: { readonly name: string; readonly gigabytes: number }): string {
  return `This downloads it, about ${gigabytes} GB: npm run models -- add ${name}`;
}

function notModel(path: string, folder: string, here: readonly string[]): string {
  const shown = shownPath(path, folder);
  const strange = strangePath(path);
  return strange === null
    ? `There is no folder ${shown}; this machine has ${list(here)}.`
    : `${shown} ${strange}`;
}

/** Returns the name that a word may stand for: one that begins with it, or one with few other letters. */
function closest(word: string, names: readonly string[]): string | undefined {
  const letters = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const asked = letters(word);
  const begun = asked.length < 3 ? undefined : names.find((name) => letters(name).startsWith(asked));
  return begun ?? nearest(word.toLowerCase(), names);
}

/**
 * Returns the folders of all models that `findModel` finds by a name: those in `models/` of the user's folder, and the
 * program's own, which a model of the user with the same name replaces.
 */
export function modelFolders(folder: string): string[] {
  const byName = new Map<string, string>();
  for (const shelf of shelves(folder).toReversed()) {
    const names = isFolder(shelf) ? readdirSync(shelf) : [];
    for (const name of names) if (isModel(join(shelf, name))) byName.set(name, join(shelf, name));
  }
  return [...byName.values()].sort();
}

function namesIn(folder: string): string[] {
  return modelFolders(folder)
    .map((found) => basename(found))
    .sort();
}

function others(here: readonly string[]): string[] {
  return published.map(({ name }) => name).filter((name) => !here.includes(name));
}

function shelves(folder: string): string[] {
  return [resolve(folder, MODELS), OWN];
}

function isModel(folder: string): boolean {
  return existsSync(join(folder, INDEX));
}

function isPath(text: string): boolean {
  return /[/\\]/.test(text) || /^\.{1,2}$/.test(text);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "no models" : listed(names);
}
