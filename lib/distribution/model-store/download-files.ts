import { mkdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type FileDownloads, inLanes, type StoredFile } from "../../service/storage/index.ts";
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
  /** Bytes that are in the folder, from before or downloaded now. */
  readonly doneBytes: number;
  /** Bytes downloaded now. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

/** Number of concurrent connections, so that none has to be fast. Each holds little more than a packet in memory. */
const LANES = 16;
/** Name of the folder of partial files. It is hidden, as no file of a model is. */
const PARTIAL = ".partial";
/**
 * Downloads files into a folder, in parts and several at once. Complete files are not downloaded again, and
 * an interrupted download continues. A file is renamed to its path only once it is complete and its checksum
 * fits. Paths are trusted to stay in the folder.
 *
 * @throws ModelStoreError, or what `downloads` rejects with
 */
export async function downloadFiles(
  folder: string,
  files: readonly StoredFile[],
  options: { readonly downloads: FileDownloads; readonly onProgress: (progress: DownloadProgress) => void },
): Promise<void> {
  try {
    await downloadMissing(folder, files, options);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause && "code" in cause)) throw cause;
    throw new ModelStoreError(`The model cannot be written to ${folder} (${cause.code}).`, { cause });
  }
}

async function downloadMissing(
  folder: string,
  files: readonly StoredFile[],
  { downloads, onProgress }: Parameters<typeof downloadFiles>[2],
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
