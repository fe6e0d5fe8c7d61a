import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** Size and checksums of a local file at the time it was read. */
export interface FileDigest {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file in hex, as `sha256sum` prints it. */
  readonly sha256: string;
  /** Size of every part but the last, which may be smaller. */
  readonly partBytes: number;
  /** SHA-256 of each part, in base64. An empty file has one part. */
  readonly partSha256: readonly string[];
}

export interface DigestOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of bytes of each read. */
  readonly onBytes?: (byteCount: number) => void;
}

/** Error of a local file that cannot be read or has changed. The message is one sentence. */
export class LocalFileError extends Error {
  override readonly name = "LocalFileError";
}

const MIB = 2 ** 20;
const PART_BYTES_LEAST = 16 * MIB;
/** Most parts of an upload. Source: Amazon S3 user guide, "Amazon S3 multipart upload limits". */
const PARTS_MAX = 10_000;

/**
 * Reads a file once, 1 MiB at a time, and returns its size and checksums.
 *
 * @throws LocalFileError if the file cannot be read, or becomes shorter meanwhile
 */
export async function digestFile(path: string, options: DigestOptions = {}): Promise<FileDigest> {
  const { signal, onBytes } = options;
  const whole = createHash("sha256");
  const partSha256: string[] = [];
  return withFile(path, async (file) => {
    const { size: sizeBytes } = await file.stat();
    const partBytes = partBytesOf(sizeBytes);
    const buffer = Buffer.allocUnsafe(MIB);
    for (let start = 0; start < sizeBytes || start === 0; start += partBytes) {
      const part = createHash("sha256");
      const end = Math.min(start + partBytes, sizeBytes);
      for (let position = start; position < end; ) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(buffer, 0, Math.min(MIB, end - position), position);
        if (bytesRead === 0) throw changed(path);
        const bytes = buffer.subarray(0, bytesRead);
        whole.update(bytes);
        part.update(bytes);
        onBytes?.(bytesRead);
        position += bytesRead;
      }
      partSha256.push(part.digest("base64"));
    }
    return { path, sizeBytes, sha256: whole.digest("hex"), partBytes, partSha256 };
  });
}

/**
 * Reads one part of a file.
 *
 * @param index of the part, from 0
 * @throws LocalFileError if the part has changed since its digest was made
 */
export async function readPart(file: FileHandle, digest: FileDigest, index: number): Promise<Buffer> {
  const { path, sizeBytes, partBytes, partSha256 } = digest;
  const start = index * partBytes;
  const bytes = Buffer.allocUnsafe(Math.min(partBytes, sizeBytes - start));
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  const sha256 = createHash("sha256").update(bytes).digest("base64");
  if (sha256 !== partSha256[index]) throw changed(path);
  return bytes;
}

/**
 * Opens a file for `use`, and closes it afterwards.
 *
 * @throws LocalFileError if the file system refuses to open or read the file
 */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    return await use(file);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new LocalFileError(`${path} cannot be read (${code}).`, { cause });
  } finally {
    await file?.close();
  }
}

function changed(path: string): LocalFileError {
  return new LocalFileError(`${path} changed while it was being uploaded: leave it alone, and push again.`);
}

/** Returns the size of the parts. It depends on the file's size alone, so that an interrupted upload can continue. */
function partBytesOf(sizeBytes: number): number {
  return Math.max(PART_BYTES_LEAST, Math.ceil(sizeBytes / PARTS_MAX / MIB) * MIB);
}
