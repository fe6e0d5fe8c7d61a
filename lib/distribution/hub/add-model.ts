import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HubSource } from "../../generation/models/index.ts";
import type { FileDownloads, StoredFile } from "../../service/storage/index.ts";
import { type DownloadProgress, downloadFiles } from "../model-store/index.ts";
import type { Hub } from "./hub.ts";
import { HubError } from "./hub-error.ts";
import { type ModelPlan, openListings, type PlannedFile, planModel } from "./model-plan.ts";

export interface AddedModel {
  readonly hub: Hub;
  /** Where the model comes from; see `recipeOf`. */
  readonly recipe: HubSource;
  /** A branch, a tag or a commit of that repository; its newest commit where it is left out. */
  readonly revision?: string | undefined;
  /** Where the model goes. */
  readonly folder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** Which commits a folder is made of, kept in it from before the first byte until it is removed. */
type Origin = Readonly<Record<string, string>>;

/** Hidden, as nothing of a model is. */
const ORIGIN = ".origin.json";

/**
 * Downloads a model from the hub into a folder, without anything in it that could be run. A download that was broken
 * off goes on at the commit it began with; the folder is a model only once it is whole, because its `model_index.json`
 * comes last. Returns how many bytes the model has and how many had to be received.
 *
 * @throws HubError, ModelStoreError
 */
export async function addModel(added: AddedModel): Promise<Omit<DownloadProgress, "doneBytes">> {
  const { hub, recipe, revision, folder, onProgress } = added;
  const origin = await readOrigin(folder);
  const pinned = new Map(Object.entries(origin ?? {}));
  if (revision !== undefined) await pin(hub, { pinned, revision, id: recipe.id, folder });
  if (origin && !Object.hasOwn(origin, recipe.id)) {
    throw new HubError(
      `${folder} holds another model, of ${Object.keys(origin)[0]}: choose another with --into.`,
    );
  }
  const plan = await planModel(openListings(hub, pinned), recipe);
  await writeJson(join(folder, ORIGIN), originOf(plan, recipe.id));

  let last: DownloadProgress = { doneBytes: 0, receivedBytes: 0, totalBytes: 0 };
  const downloads = hubDownloads(hub, plan.files);
  await downloadFiles(folder, await downloads.list(), {
    downloads,
    onProgress(progress) {
      last = progress;
      onProgress(progress);
    },
  });
  for (const [path, value] of Object.entries(plan.made)) await writeJson(join(folder, path), value);
  return { totalBytes: last.totalBytes, receivedBytes: last.receivedBytes };
}

/** A folder that already holds one revision does not become another. */
async function pin(
  hub: Hub,
  {
    pinned,
    revision,
    id,
    folder,
  }: { pinned: Map<string, string>; revision: string; id: string; folder: string },
): Promise<void> {
  const { commit } = await hub.repository(id, revision);
  const held = pinned.get(id);
  if (held !== undefined && held !== commit) {
    throw new HubError(`${folder} holds ${id} at ${held.slice(0, 12)}: choose another folder with --into.`);
  }
  pinned.set(id, commit);
}

async function readOrigin(folder: string): Promise<Origin | null> {
  const names = await readdir(folder).catch(unlessMissing);
  if (!names || names.length === 0) return null;
  if (!names.includes(ORIGIN)) {
    throw new HubError(
      `${folder} is there and did not come from the hub: choose another folder with --into.`,
    );
  }
  const path = join(folder, ORIGIN);
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new HubError(`${path} cannot be read: remove ${folder} and add the model again.`, { cause });
  }
}

function originOf({ files }: ModelPlan, id: string): Origin {
  const commits = Object.fromEntries(files.map(({ repository }) => [repository.id, repository.commit]));
  return { [id]: commits[id]!, ...commits };
}

/** The files of a plan, as though they lay where they are to go. */
function hubDownloads(hub: Hub, files: readonly PlannedFile[]): FileDownloads {
  const byPath = new Map(files.map((planned) => [planned.path, planned]));
  return {
    list: async () =>
      files.map(({ path, file, repository }): StoredFile => {
        return { path, sizeBytes: file.sizeBytes, etag: file.sha256 ?? repository.commit };
      }),
    sha256: async ({ path }) => byPath.get(path)!.file.sha256,
    read: ({ path }, range) => hub.read(byPath.get(path)!.repository, byPath.get(path)!.file, range),
  };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${path}.partial`, path);
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
