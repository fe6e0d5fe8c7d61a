import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { CheckpointError } from "./checkpoint-error.ts";
import { openRegularFile, readExactly, type SafetensorsDType } from "./safetensors.ts";

/** Tensor that a header declares. */
export interface DeclaredTensor {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/**
 * Encodes the header of a safetensors file whose tensors lie in this order. Spaces pad it so that the tensor data
 * begins at a multiple of 8 bytes, as in files of the safetensors library.
 */
export function encodeHeader(
  tensors: readonly DeclaredTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape, byteLength } of tensors) {
    const start = end;
    end += byteLength;
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

/** Tells if a file is there, has this header, and is as long as its `dataBytes` bytes of tensors demand. */
export async function hasHeader(path: string, header: Uint8Array, dataBytes: number): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw CheckpointError.from(path, error);
  });
  if (found?.size !== header.length + dataBytes) return false;
  const file = await openRegularFile(path);
  try {
    return Buffer.compare(await readExactly(file, path, 0, header.length), header) === 0;
  } finally {
    await file.close();
  }
}

/** Writes a file under a temporary name beside `target`, and renames it once it is complete. */
export async function writeWhole(
  target: string,
  write: (output: FileHandle) => Promise<void>,
): Promise<void> {
  const partial = `${target}.partial`;
  const output = await open(partial, "w");
  try {
    try {
      await write(output);
      await output.sync();
    } finally {
      await output.close();
    }
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Writes all bytes, at `position` or else after those that were written last. A single write may accept fewer bytes, on
 * a disk that is nearly full.
 */
export async function writeAll(output: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const at = position === undefined ? null : position + written;
    written += (await output.write(bytes, written, bytes.length - written, at)).bytesWritten;
  }
}
