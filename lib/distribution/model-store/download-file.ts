import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileDownloads, StoredFile } from "../../service/storage/index.ts";
import { ModelStoreError } from "./model-store-error.ts";

export interface FileDownload {
  readonly file: StoredFile;
  readonly sha256: string | null;
  /** Where the file is once it is whole and right. */
  readonly path: string;
  /**
   * Where it grows, on the same disk: as long as the whole file, with one byte more for each part, 1 once that part is
   * there.
   */
  readonly partialPath: string;
}

export const PART_BYTES = 16 * 2 ** 20;

/** Whether the file is there: it has its name only when it is whole. */
export async function isDownloaded({ path, file }: FileDownload): Promise<boolean> {
  const found = await stat(path).catch(unlessMissing);
  return found?.size === file.sizeBytes;
}

/** The parts that are missing of a download that was broken off, or of one that begins here. */
export async function missingParts(download: FileDownload): Promise<number[]> {
  const { file, partialPath } = download;
  const partCount = partCountOf(file);
  await mkdir(dirname(partialPath), { recursive: true });
  await mkdir(dirname(download.path), { recursive: true });
  return withFile(partialPath, "a+", async (handle) => {
    const { size } = await handle.stat();
    const marks = Buffer.alloc(partCount);
    // Only a checksum tells whether what another process left was really written.
    if (size === file.sizeBytes + partCount && download.sha256 !== null) {
      await handle.read(marks, 0, partCount, file.sizeBytes);
    } else {
      await handle.truncate(0);
      await handle.truncate(file.sizeBytes + partCount);
    }
    return [...marks.keys()].filter((index) => marks[index] !== 1);
  });
}

/** Reads one part to where it belongs. */
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
 * Gives a file whose parts are all there its name.
 *
 * @throws ModelStoreError if it does not have the checksum that it was stored with; nothing is kept of it then
 */
export async function finishFile({ file, sha256, path, partialPath }: FileDownload): Promise<void> {
  await withFile(partialPath, "r+", (handle) => handle.truncate(file.sizeBytes));
  if (sha256 !== null && sha256 !== (await sha256Of(partialPath))) {
    await rm(partialPath);
    throw new ModelStoreError(
      `${file.path} does not have the SHA-256 that its store knows of it: start again, or store it again.`,
    );
  }
  await rename(partialPath, path);
}

export function partBytesOf(file: StoredFile, index: number): number {
  const { start, end } = partRange(file, index);
  return end - start + 1;
}

/** An empty file has one part, so that there is something to begin and to end. */
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

/** A write may take less than it was given, on a disk that is nearly full. */
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
