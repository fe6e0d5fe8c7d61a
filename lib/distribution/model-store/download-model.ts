import { createHash } from "node:crypto";
import { join } from "node:path";
import type { FileDownloads, StoredFile } from "../../service/storage/index.ts";
import { type DownloadProgress, downloadFiles } from "./download-files.ts";
import { ModelStoreError } from "./model-store-error.ts";

export interface ModelDownload {
  readonly name: string;
  /** The files below a model's prefix. */
  readonly downloads: FileDownloads;
  /** Holds models; one process at a time downloads into it. */
  readonly cacheFolder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** As in an object's key, of which none is hidden or leads out; see `ObjectStore`. */
const PATH = /^(?!\.)[A-Za-z0-9._=-]{1,200}(\/(?!\.)[A-Za-z0-9._=-]{1,200})*$/;

/**
 * The folder of a model that is whole, with every file as it was pushed. What is there already is not downloaded again,
 * and a download that a kill broke off is gone on with: each version of a model has a folder of its own.
 *
 * @throws ModelStoreError, StoreError, ChangedFileError
 */
export async function downloadModel(download: ModelDownload): Promise<string> {
  const { name, downloads, cacheFolder, onProgress } = download;
  const files = filesOfModel(await downloads.list());
  if (files.length === 0) {
    throw new ModelStoreError(`There are no files of the model ${name}: push it, or name another.`);
  }
  const folder = join(cacheFolder, `${name}-${versionOf(files)}`);
  await downloadFiles(folder, files, { downloads, onProgress });
  return folder;
}

/** All but hidden files, and what a console stores to show a folder. */
function filesOfModel(listed: readonly StoredFile[]): readonly StoredFile[] {
  const files = listed.filter(({ path }) => !/(^|\/)\.(?!\.?\/)|\/$|^$/.test(path));
  const stranger = files.find(({ path }) => !PATH.test(path));
  if (!stranger) return files;
  throw new ModelStoreError(`${JSON.stringify(stranger.path)} is no path of a model's file: take it out.`);
}

/** Two lists of files have the same only if they are the same. */
function versionOf(files: readonly StoredFile[]): string {
  const contents = files.map(({ path, sizeBytes, etag }) => [path, sizeBytes, etag]);
  return createHash("sha256").update(JSON.stringify(contents)).digest("hex").slice(0, 16);
}
