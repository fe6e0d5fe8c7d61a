import { type FileHandle, open } from "node:fs/promises";

/** Bytes that are read piece by piece, so that a large file need not fit in memory. */
export interface Source {
  readonly size: number;
  /** Reads bytes from `at` on; fewer than `length` at the end. */
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Returns bytes in memory as a source. */
export function sourceOf(bytes: Uint8Array): Source {
  return { size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

/** Runs `work` with a file as a source, and closes the file afterwards. */
export async function withFile<R>(path: string, work: (source: Source) => Promise<R>): Promise<R> {
  const file: FileHandle = await open(path, "r");
  try {
    const { size } = await file.stat();
    return await work({
      size,
      async read(at, length) {
        const buffer = new Uint8Array(Math.max(0, Math.min(length, size - at)));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        return buffer.subarray(0, bytesRead);
      },
    });
  } finally {
    await file.close();
  }
}

/** Returns four bytes as the Latin-1 characters that name a box or a chunk. */
export function fourCharacters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** Returns a view of the numbers in bytes. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
