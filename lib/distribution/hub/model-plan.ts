import { parseStrictJson, strangeFolder, toPlain } from "../../generation/checkpoint/index.ts";
import {
  type Family,
  familyOf,
  type HubSource,
  knownPipelines,
  type PartSource,
} from "../../generation/models/index.ts";
import { configFaults } from "../../generation/pipeline/index.ts";
import { listed } from "../../shared/sentences/index.ts";
import type { Hub, HubFile, Repository } from "./hub.ts";
import { HubError } from "./hub-error.ts";
import { partFiles } from "./part-files.ts";
import { isKnownPart } from "./recipes.ts";

/** File of a repository, and its path in the model's folder. */
export interface PlannedFile {
  readonly repository: Repository;
  readonly file: HubFile;
  readonly path: string;
}

/** All files of a model's folder. */
export interface ModelPlan {
  readonly files: readonly PlannedFile[];
  /** Contents of generated JSON files by path; `model_index.json` is the last. */
  readonly made: Readonly<Record<string, unknown>>;
  /** Notes on the files for the user, one sentence each. */
  readonly notes: readonly string[];
}

export interface PlanOptions {
  /** Variant of the weights to prefer. */
  readonly variant?: string | undefined;
}

/** Repositories of one plan, each looked up once and read at one commit. */
export interface Listings {
  files(id: string): Promise<{ repository: Repository; files: readonly HubFile[] }>;
  /** Reads the JSON object in a small file. */
  json(id: string, path: string): Promise<Readonly<Record<string, unknown>>>;
}

const JSON_BYTES_MAX = 2 ** 20;
const JSON_LIMITS = { depthMax: 16, valuesMax: 100_000, takesNonFinite: true };

/**
 * Files that were measured about a model, beside its index, with their largest sizes: the table of what reuse costs,
 * and the map for previews. They are read as data, and refused where they do not fit. Larger ones would not be read.
 */
const MEASURED_FILES: ReadonlyMap<string, number> = new Map([
  ["cache-table.json", 4 * 2 ** 20],
  ["preview.json", 2 * 2 ** 20],
]);

/** Parts that are configurations and vocabularies alone. */
const WITHOUT_WEIGHTS = new Set(["tokenizer", "scheduler", "image_processor", "feature_extractor"]);

/**
 * Opens the repositories of one plan.
 *
 * @param pinned commits by repository; the others are read at their newest commit
 */
export function openListings(hub: Hub, pinned: ReadonlyMap<string, string>): Listings {
  const listings = new Map<string, ReturnType<Listings["files"]>>();
  async function list(id: string) {
    const repository = await hub.repository(id, pinned.get(id));
    return { repository, files: await hub.files(repository) };
  }
  const files: Listings["files"] = (id) => {
    const listing = listings.get(id) ?? list(id);
    listings.set(id, listing);
    return listing;
  };
  return {
    files,
    async json(id, path) {
      const { repository, files: listed } = await files(id);
      const file = listed.find((candidate) => candidate.path === path);
      if (!file || file.sizeBytes > JSON_BYTES_MAX)
        throw new HubError(`${id} has no ${path} of at most 1 MiB.`);
      const pieces: Uint8Array[] = [];
      for await (const piece of hub.read(repository, file, { start: 0, end: file.sizeBytes - 1 }))
        pieces.push(piece);
      try {
        const value = parseStrictJson(Buffer.concat(pieces).toString(), JSON_LIMITS);
        if (value instanceof Map) return { ...(toPlain(value) as Record<string, unknown>) };
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
      }
      throw new HubError(`${path} of ${id} is not a JSON object.`);
    },
  };
}

/**
 * Plans the files to download: those that the recipe lists, or else the parts that the repository's
 * `model_index.json` names. Reads the configurations of all parts, so that a model that cannot run is refused before
 * its weights are asked for.
 *
 * @throws HubError
 */
export async function planModel(
  listings: Listings,
  { id, assembly }: HubSource,
  { variant }: PlanOptions = {},
): Promise<ModelPlan> {
  if (!assembly) await refuseStrangeRepository(listings, id);
  const index = assembly?.index ?? usedParts(await listings.json(id, "model_index.json"));
  const family = knownFamily(id, index);
  const parts = Object.keys(index).filter(isKnownPart);
  const { unnamedDecoder, supplements } = family;
  const unnamed = assembly || !unnamedDecoder ? [] : await foldersOf(listings, id, [unnamedDecoder]);
  const sources =
    assembly?.sources ?? [...parts, ...unnamed].map((part): PartSource => ({ part, id, folder: part }));
  const files = new Map<string, PlannedFile>();
  const variants = new Map<string, string>();
  if (!assembly) await refuseUnfit(listings, id, { index, parts: [...parts, ...unnamed] });
  for (const source of [...sources, ...supplements]) {
    const chosen = await filesOf(listings, source, { planned: files, variant });
    if (chosen.variant !== null) variants.set(source.part, chosen.variant);
    // The first source of a file wins: supplements only add missing files.
    for (const planned of chosen.files) if (!files.has(planned.path)) files.set(planned.path, planned);
  }
  // A model that is put together from several repositories is none that anybody has measured.
  if (!assembly) for (const file of await measuredFilesOf(listings, id)) files.set(file.path, file);
  const made = { ...assembly?.files, "model_index.json": index };
  const empty = parts.find(
    (part) => ![...files.keys(), ...Object.keys(made)].some((path) => path.startsWith(`${part}/`)),
  );
  if (empty !== undefined) throw new HubError(`${id} has no files of its part ${empty}.`);
  return { files: [...files.values()], made, notes: variantNotes(variants, variant) };
}

/** Says which variants were taken although they were not asked for. */
function variantNotes(variants: ReadonlyMap<string, string>, asked: string | undefined): string[] {
  const others = [...new Set(variants.values())].filter((name) => name !== asked);
  return others.map((other) => {
    const parts = [...variants].filter(([, name]) => name === other).map(([part]) => part);
    return `The variant ${other} was taken of ${listed(parts)}, since there is no other.`;
  });
}

/** Refuses a repository that is no folder of a whole model, by what it is. */
async function refuseStrangeRepository(listings: Listings, id: string): Promise<void> {
  const { files } = await listings.files(id);
  const names = files.map(({ path }) => path);
  if (names.includes("model_index.json")) return;
  throw new HubError(`${id} ${strangeFolder(names)}`);
}

/** Refuses a model whose configurations say that it cannot run. */
async function refuseUnfit(
  listings: Listings,
  id: string,
  { index, parts }: { readonly index: Readonly<Record<string, unknown>>; readonly parts: readonly string[] },
): Promise<void> {
  const { files } = await listings.files(id);
  const configs: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const part of parts) {
    const path = [`${part}/config.json`, `${part}/scheduler_config.json`].find((name) =>
      files.some((file) => file.path === name),
    );
    if (path !== undefined) configs[part] = await listings.json(id, path);
  }
  const faults = await configFaults({ index, parts: configs });
  if (faults.length > 0)
    throw new HubError(`${id} cannot be run, so nothing was downloaded. ${faults.join(" ")}`);
}

async function filesOf(
  listings: Listings,
  { part, id, folder, only }: PartSource,
  { planned, variant }: PlanOptions & { readonly planned: ReadonlyMap<string, PlannedFile> },
): Promise<{ readonly files: PlannedFile[]; readonly variant: string | null }> {
  if (only?.every((name) => planned.has(`${part}/${name}`))) return { files: [], variant: null };
  const { repository, files } = await listings.files(id);
  const prefix = folder === "" ? "" : `${folder}/`;
  const inFolder = new Map(
    files.filter(({ path }) => path.startsWith(prefix)).map((file) => [file.path.slice(prefix.length), file]),
  );
  const where = prefix === "" ? id : `${id}/${folder}`;
  const chosen = only
    ? { names: only, variant: null }
    : partFiles(where, [...inFolder.keys()], { hasWeights: !WITHOUT_WEIGHTS.has(part), variant });
  const chosenFiles = chosen.names.map((name) => {
    const file = inFolder.get(name);
    if (!file) throw new HubError(`${id} has no ${prefix}${name}.`);
    return { repository, file, path: `${part}/${name}` };
  });
  return { files: chosenFiles, variant: chosen.variant };
}

async function measuredFilesOf(listings: Listings, id: string): Promise<PlannedFile[]> {
  const { repository, files } = await listings.files(id);
  return files
    .filter(({ path, sizeBytes }) => sizeBytes <= (MEASURED_FILES.get(path) ?? -1))
    .map((file) => ({ repository, file, path: file.path }));
}

async function foldersOf(listings: Listings, id: string, names: readonly string[]): Promise<string[]> {
  const { files } = await listings.files(id);
  return names.filter((name) => files.some(({ path }) => path.startsWith(`${name}/`)));
}

/** Drops unused parts from the index; their files are not downloaded either. */
function usedParts(index: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(index).filter(
      ([name, entry]) => !Array.isArray(entry) || (isKnownPart(name) && typeof entry[1] === "string"),
    ),
  );
}

function knownFamily(id: string, index: Readonly<Record<string, unknown>>): Family {
  const family = familyOf(index);
  if (family) return family;
  throw new HubError(
    `${id} is a ${String(index._class_name)}, and Adareel runs only ${knownPipelines.join(", ")}.`,
  );
}
