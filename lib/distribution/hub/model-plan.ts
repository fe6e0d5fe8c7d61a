import {
  type Family,
  familyOf,
  type HubSource,
  knownPipelines,
  type PartSource,
} from "../../generation/models/index.ts";
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
}

/** Repositories of one plan, each looked up once and read at one commit. */
export interface Listings {
  files(id: string): Promise<{ repository: Repository; files: readonly HubFile[] }>;
  /** Reads the JSON object in a small file. */
  json(id: string, path: string): Promise<Readonly<Record<string, unknown>>>;
}

const JSON_BYTES_MAX = 2 ** 20;

/** Table of what reuse costs a model, beside its index; it is read as data, and refused where it does not fit. */
export const TABLE_FILE = "cache-table.json";
/** Larger ones are left out, because they would not be read. */
const TABLE_BYTES_MAX = 4 * 2 ** 20;

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
        const value: unknown = JSON.parse(Buffer.concat(pieces).toString());
        if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
      }
      throw new HubError(`${path} of ${id} is not a JSON object.`);
    },
  };
}

/**
 * Plans the files to download: those that the recipe lists, or else the parts that the repository's
 * `model_index.json` names.
 *
 * @throws HubError
 */
export async function planModel(listings: Listings, { id, assembly }: HubSource): Promise<ModelPlan> {
  const index = assembly?.index ?? usedParts(await listings.json(id, "model_index.json"));
  const family = knownFamily(id, index);
  const parts = Object.keys(index).filter(isKnownPart);
  const { unnamedDecoder, supplements } = family;
  const unnamed = assembly || !unnamedDecoder ? [] : await foldersOf(listings, id, [unnamedDecoder]);
  const sources =
    assembly?.sources ?? [...parts, ...unnamed].map((part): PartSource => ({ part, id, folder: part }));
  const files = new Map<string, PlannedFile>();
  for (const source of [...sources, ...supplements]) {
    // The first source of a file wins: supplements only add missing files.
    for (const planned of await filesOf(listings, source, files))
      if (!files.has(planned.path)) files.set(planned.path, planned);
  }
  // A model that is put together from several repositories is none that anybody has measured.
  if (!assembly) for (const table of await tablesOf(listings, id)) files.set(table.path, table);
  const made = { ...assembly?.files, "model_index.json": index };
  const empty = parts.find(
    (part) => ![...files.keys(), ...Object.keys(made)].some((path) => path.startsWith(`${part}/`)),
  );
  if (empty !== undefined) throw new HubError(`${id} has no files of its part ${empty}.`);
  return { files: [...files.values()], made };
}

async function filesOf(
  listings: Listings,
  { part, id, folder, only }: PartSource,
  planned: ReadonlyMap<string, PlannedFile>,
): Promise<PlannedFile[]> {
  if (only?.every((name) => planned.has(`${part}/${name}`))) return [];
  const { repository, files } = await listings.files(id);
  const prefix = folder === "" ? "" : `${folder}/`;
  const inFolder = new Map(
    files.filter(({ path }) => path.startsWith(prefix)).map((file) => [file.path.slice(prefix.length), file]),
  );
  const names = only ?? partFiles(prefix === "" ? id : `${id}/${folder}`, [...inFolder.keys()]);
  return names.map((name) => {
    const file = inFolder.get(name);
    if (!file) throw new HubError(`${id} has no ${prefix}${name}.`);
    return { repository, file, path: `${part}/${name}` };
  });
}

async function tablesOf(listings: Listings, id: string): Promise<PlannedFile[]> {
  const { repository, files } = await listings.files(id);
  const file = files.find(({ path, sizeBytes }) => path === TABLE_FILE && sizeBytes <= TABLE_BYTES_MAX);
  return file ? [{ repository, file, path: TABLE_FILE }] : [];
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
