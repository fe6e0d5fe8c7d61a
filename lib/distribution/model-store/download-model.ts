import { createHash } from "node:crypto";
import { join } from "node:path";
import type { FileDownloads, StoredFile } from "../../service/storage/index.ts";
import { type DownloadProgress, downloadFiles } from "./download-files.ts";
import { ModelStoreError } from "./model-store-error.ts";

export interface ModelDownload {
  readonly name: string;
  /** Access to the files below the model's prefix. */
  readonly downloads: FileDownloads;
  /** Folder that holds downloaded models. Only one process at a time may download into it. */
  readonly cacheFolder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/**
 * Path of a model file: as in an object's key (see `ObjectStore`), not hidden, and without a way out of the
 * folder.
 */
const PATH = /^(?!\.)[A-Za-z0-9._=-]{1,200}(\/(?!\.)[A-Za-z0-9._=-]{1,200})*$/;

/**
 * Downloads a model and returns its folder, with every file as pushed. Each version of a model has its own
 * folder. Complete files are not downloaded again, and an interrupted download continues.
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

/** Drops hidden files, and the placeholders that the S3 console stores to show a folder. */
function filesOfModel(listed: readonly StoredFile[]): readonly StoredFile[] {
  const files = listed.filter(({ path }) => !/(^|\/)\.(?!\.?\/)|\/$|^$/.test(path));
  const stranger = files.find(({ path }) => !PATH.test(path));
  if (!stranger) return files;
  throw new ModelStoreError(
    `${JSON.stringify(stranger.path)} is not a valid path of a model file: remove it from the store.`,
  );
}

/** Hash of a list of files; two lists have the same hash only if they are equal. */
function versionOf(files: readonly StoredFile[]): string {
  const contents = files.map(({ path, sizeBytes, etag }) => [path, sizeBytes, etag]);
  return createHash("sha256").update(JSON.stringify(contents)).digest("hex").slice(0, 16);
}
