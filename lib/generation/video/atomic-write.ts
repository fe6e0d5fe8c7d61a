import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VideoError } from "./frames.ts";

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full; free some space and run it again",
  EDQUOT: "your disk quota is used up; free some space and run it again",
  EFBIG: "the file would be larger than the system allows",
  EACCES: "you may not write there; choose another folder",
  EPERM: "you may not write there; choose another folder",
  EROFS: "that disk is read-only; choose another folder",
  ENOENT: "its folder does not exist; create it first",
  ENOTDIR: "a part of its folder is a file; choose another folder",
  EISDIR: "it is a folder; give the name of a file",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

let temporaryFiles = 0;

/**
 * Writes a file atomically: to a temporary file in the same folder, synced to disk, then renamed.
 *
 * @throws VideoError in one sentence. The temporary file is removed, and an existing file is left unchanged.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await throughTemporaryFile(path, async (temporary) => {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  });
}

/**
 * Checks that a file can be written at `path` before the work begins. It leaves nothing behind.
 *
 * @throws VideoError if the folder is missing or not writable, or `path` is a folder
 */
export async function assertWritable(path: string): Promise<void> {
  await throughTemporaryFile(path, async (temporary) => {
    if ((await stat(path).catch(() => null))?.isDirectory())
      throw Object.assign(new Error(), { code: "EISDIR" });
    await (await open(temporary, "wx")).close();
  });
}

async function throughTemporaryFile(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  temporaryFiles += 1;
  // In the same folder, because a rename is atomic only within one file system.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${temporaryFiles}.tmp`);
  try {
    await write(temporary);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new VideoError(`Cannot write ${path}: ${REASONS[code ?? ""] ?? message}.`, { cause: error });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
