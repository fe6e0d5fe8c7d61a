import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileDownloads, StoredFile } from "../../service/storage/index.ts";
import { ModelStoreError } from "./model-store-error.ts";

export interface FileDownload {
  readonly file: StoredFile;
  readonly sha256: string | null;
  /** Path of the file once it is complete and its checksum fits. */
  readonly path: string;
  /**
   * Path of the partial file, on the same disk. It is as long as the complete file plus one byte for each
   * part, which is 1 once that part is downloaded.
   */
  readonly partialPath: string;
}

export const PART_BYTES = 16 * 2 ** 20;

/** Returns true if the file is there. A file is renamed to its path only once it is complete. */
export async function isDownloaded({ path, file }: FileDownload): Promise<boolean> {
  const found = await stat(path).catch(unlessMissing);
  return found?.size === file.sizeBytes;
}

/** Returns the parts still missing, of an interrupted download or of a new one. */
export async function missingParts(download: FileDownload): Promise<number[]> {
  const { file, partialPath } = download;
  const partCount = partCountOf(file);
  await mkdir(dirname(partialPath), { recursive: true });
  await mkdir(dirname(download.path), { recursive: true });
  return withFile(partialPath, "a+", async (handle) => {
    const { size } = await handle.stat();
    const marks = Buffer.alloc(partCount);
    // Without a checksum nobody can tell whether parts left by another process were written to disk.
    if (size === file.sizeBytes + partCount && download.sha256 !== null) {
      await handle.read(marks, 0, partCount, file.sizeBytes);
    } else {
      await handle.truncate(0);
      await handle.truncate(file.sizeBytes + partCount);
    }
    return [...marks.keys()].filter((index) => marks[index] !== 1);
  });
}

/** Downloads one part into the partial file, and marks it as done. */
export async function downloadPart(
  { file, partialPath }: FileDownload,
  index: number,
  { downloads, onBytes }: { downloads: FileDownloads; onBytes: (byteCount: number) => void },
): Promise<void> {
  const { start, end } = partRange(file, index);
  await withFile(partialPath, "r+", async (handle) => {
    let position = start;
    for await (const bytes of downloads.read(file, { start, end })) {
      await writeAt(handle, bytes, position);
      position += bytes.length;
      onBytes(bytes.length);
    }
    await writeAt(handle, Uint8Array.of(1), file.sizeBytes + index);
  });
}

/**
 * Checks and renames a partial file whose parts are all there.
 *
 * @throws ModelStoreError if its checksum differs from the stored one; the partial file is removed
 */
export async function finishFile({ file, sha256, path, partialPath }: FileDownload): Promise<void> {
  await withFile(partialPath, "r+", (handle) => handle.truncate(file.sizeBytes));
  if (sha256 !== null && sha256 !== (await sha256Of(partialPath))) {
    await rm(partialPath);
    throw new ModelStoreError(
      `${file.path} does not match its SHA-256: download it again, or replace it in the store.`,
    );
  }
  await rename(partialPath, path);
}

export function partBytesOf(file: StoredFile, index: number): number {
  const { start, end } = partRange(file, index);
  return end - start + 1;
}

/** Number of parts. An empty file has one, so that it is started and finished like any other. */
function partCountOf({ sizeBytes }: StoredFile): number {
  return Math.max(1, Math.ceil(sizeBytes / PART_BYTES));
}

function partRange({ sizeBytes }: StoredFile, index: number): { start: number; end: number } {
  const start = index * PART_BYTES;
  return { start, end: Math.min(start + PART_BYTES, sizeBytes) - 1 };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest("hex");
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Writes all bytes at `position`. A single write may accept fewer bytes, on a disk that is nearly full. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
