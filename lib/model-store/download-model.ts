import { createHash } from "node:crypto";
import { mkdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type FileDownloads, inLanes, type StoredFile } from "../storage/index.ts";
import {
  downloadPart,
  type FileDownload,
  finishFile,
  isDownloaded,
  missingParts,
  partBytesOf,
} from "./download-file.ts";
import { ModelStoreError } from "./model-store-error.ts";

export interface DownloadProgress {
  /** There already, or downloaded. */
  readonly doneBytes: number;
  /** Of those, the ones that were not there. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface ModelDownload {
  readonly name: string;
  /** The files below a model's prefix. */
  readonly downloads: FileDownloads;
  /** Holds models; one process at a time downloads into it. */
  readonly cacheFolder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** Connections at once, so that none of them has to be fast; each has little more than a packet in memory. */
const LANES = 16;
/** Hidden, as nothing of a model is. */
const PARTIAL = ".partial";
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
  try {
    await downloadFiles(folder, files, { downloads, onProgress });
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause && "code" in cause)) throw cause;
    throw new ModelStoreError(`The model cannot be written to ${folder} (${cause.code}).`, { cause });
  }
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

async function downloadFiles(
  folder: string,
  files: readonly StoredFile[],
  { downloads, onProgress }: Pick<ModelDownload, "downloads" | "onProgress">,
): Promise<void> {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let receivedBytes = 0;
  let missingBytes = 0;
  const parts: { download: FileDownload; index: number; left: { count: number } }[] = [];
  const whole: FileDownload[] = [];
  await inLanes(files, LANES, async (file) => {
    const path = join(folder, file.path);
    const partialPath = join(folder, PARTIAL, file.path);
    if (await isDownloaded({ file, path, partialPath, sha256: null })) return;
    const download = { file, path, partialPath, sha256: await downloads.sha256(file) };
    const missing = await missingParts(download);
    const left = { count: missing.length };
    if (missing.length === 0) whole.push(download);
    parts.push(...missing.map((index) => ({ download, index, left })));
    for (const index of missing) missingBytes += partBytesOf(file, index);
  });
  await assertSpace(folder, missingBytes);

  const report = () => {
    onProgress({ doneBytes: totalBytes - missingBytes + receivedBytes, receivedBytes, totalBytes });
  };
  const onBytes = (byteCount: number) => {
    receivedBytes += byteCount;
    report();
  };
  report();
  await inLanes(whole, LANES, finishFile);
  await inLanes(parts, LANES, async ({ download, index, left }) => {
    await downloadPart(download, index, { downloads, onBytes });
    left.count -= 1;
    if (left.count === 0) await finishFile(download);
  });
  await rm(join(folder, PARTIAL), { recursive: true, force: true });
}

async function assertSpace(folder: string, neededBytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= neededBytes) return;
  const [needed, free] = [neededBytes, bavail * bsize].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
  throw new ModelStoreError(`The model needs ${needed} more in ${folder}, where ${free} are free.`);
}
