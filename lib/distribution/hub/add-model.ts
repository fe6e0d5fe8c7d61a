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
  /** Repositories of the model; see `recipeOf`. */
  readonly recipe: HubSource;
  /** Branch, tag or commit of the recipe's repository; its newest commit by default. */
  readonly revision?: string | undefined;
  /** Variant of the weights to prefer, such as `fp16`; by default those without one, or the only one. */
  readonly variant?: string | undefined;
  /** Folder to download the model into. */
  readonly folder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/**
 * Commit by repository that a folder was downloaded from. It is written to the folder before the first
 * download and stays there.
 */
type Origin = Readonly<Record<string, string>>;

/** Name of the origin file. It is hidden, as no file of a model is. */
const ORIGIN = ".origin.json";

/**
 * Downloads a model from the hub into a folder, leaving out anything that could be executed. An interrupted
 * download continues at the commit it started with. `model_index.json` is written last, so an incomplete
 * folder is not a model. A model that cannot run is refused before its weights are asked for. Returns the size of the
 * model, the number of bytes received, and what a user should know of its files.
 *
 * @throws HubError, ModelStoreError
 */
export async function addModel(
  added: AddedModel,
): Promise<Omit<DownloadProgress, "doneBytes"> & { readonly notes: readonly string[] }> {
  const { hub, recipe, revision, variant, folder, onProgress } = added;
  const origin = await readOrigin(folder);
  const pinned = new Map(Object.entries(origin ?? {}));
  if (revision !== undefined) await pin(hub, { pinned, revision, id: recipe.id, folder });
  if (origin && !Object.hasOwn(origin, recipe.id)) {
    throw new HubError(
      `${folder} holds another model, of ${Object.keys(origin)[0]}: choose another folder with --into.`,
    );
  }
  const plan = await planModel(openListings(hub, pinned), recipe, { variant });
  for (const { repository, file } of plan.files) await hub.check?.(repository, file);
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
  return { totalBytes: last.totalBytes, receivedBytes: last.receivedBytes, notes: plan.notes };
}

/** Pins the repository to a revision. A folder that holds one revision does not become another. */
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
      `${folder} exists and was not downloaded from the hub: choose another folder with --into.`,
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

/** Presents the files of a plan under their paths in the model's folder. */
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
