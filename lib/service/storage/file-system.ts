import * as nodeFiles from "node:fs";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

/** File system calls that the folder store makes, as in `node:fs/promises`. */
export interface FileSystem {
  /** Opens a file, or without flags a folder that is to be synced. */
  open(path: string, flags?: "r" | "wx" | "a", mode?: number): Promise<OpenFile>;
  link(existing: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes a folder, with its parents if `recursive`. */
  mkdir(path: string, options: { readonly recursive: boolean; readonly mode: number }): Promise<unknown>;
  rmdir(path: string): Promise<void>;
  rm(path: string, options: { readonly recursive: true; readonly force: true }): Promise<void>;
  readdir(path: string): Promise<string[]>;
  /** Reads a small folder that was read before, at once. */
  readdirNow(path: string): string[];
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
}

/** Open file, or a folder opened to be synced. */
export interface OpenFile {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>;
  readFile(): Promise<Buffer>;
  /** Appends to what this handle has written. */
  writeFile(data: string | Uint8Array): Promise<void>;
  stat(): Promise<{ readonly size: number }>;
  sync(): Promise<void>;
  createReadStream(range: { readonly start: number; readonly end: number }): Readable;
  close(): Promise<void>;
}

const calls = {
  open: promisify(nodeFiles.open),
  read: promisify(nodeFiles.read),
  readFile: promisify(nodeFiles.readFile),
  writeFile: promisify(nodeFiles.writeFile),
  fstat: promisify(nodeFiles.fstat),
  fsync: promisify(nodeFiles.fsync),
};

/**
 * File system of this machine. Files are plain descriptors, which take half the processor time of `FileHandle`. Calls
 * that only look into the kernel's cache block this process for microseconds, and a thread would cost several times as
 * much: a file is closed after a read or a sync, and a folder that is opened or read now was just used.
 */
export const systemFiles: FileSystem = {
  ...nodeFiles.promises,
  readdirNow: (path) => nodeFiles.readdirSync(path),
  async open(path, flags, mode) {
    const descriptor = flags ? await calls.open(path, flags, mode) : nodeFiles.openSync(path, "r");
    return {
      read: (buffer, offset, length, position) => calls.read(descriptor, buffer, offset, length, position),
      readFile: () => calls.readFile(descriptor),
      writeFile: (data) => calls.writeFile(descriptor, data),
      stat: () => calls.fstat(descriptor),
      sync: () => calls.fsync(descriptor),
      createReadStream: (range) => nodeFiles.createReadStream("", { ...range, fd: descriptor }),
      close: async () => nodeFiles.closeSync(descriptor),
    };
  },
};

/** Options of `mkdir` for one folder, or with its parents, that only this user reads. */
export const FOLDER = { recursive: false, mode: 0o700 } as const;
export const FOLDERS = { ...FOLDER, recursive: true } as const;

/** Makes the entries of a folder durable. */
export async function syncFolder(files: FileSystem, folder: string): Promise<void> {
  const handle = await files.open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file if it exists. Takes one system call, where `rm` takes several. */
export async function removeFile(files: FileSystem, path: string): Promise<void> {
  await tolerating(["ENOENT"], files.unlink(path));
}

/** Resolves to the operation's result, or to undefined if it fails with one of these error codes. */
export async function tolerating<T>(codes: readonly string[], operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (hasCode(error, codes)) return undefined;
    throw error;
  }
}

/** Returns whether an error has one of these error codes. */
export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}
