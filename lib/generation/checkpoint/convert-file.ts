import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { CheckpointError } from "./checkpoint-error.ts";
import { type FloatDType, floatConversion, isFloatDType } from "./float-conversion.ts";
import {
  elementBytes,
  openRegularFile,
  readExactly,
  readSafetensors,
  type SafetensorsDType,
  type StoredTensor,
} from "./safetensors.ts";

export interface FileConversion {
  readonly source: string;
  readonly target: string;
  /** Chooses the new type for tensors of type `dtype`. Tensors that are not floating-point are copied. */
  readonly targetDType: (dtype: FloatDType) => FloatDType;
  /** Called with the number of tensor bytes read since the last call. */
  readonly onBytes?: ((byteCount: number) => void) | undefined;
}

/** Tensor of the source file, with its type and size in the target file. */
interface TensorConversion extends StoredTensor {
  readonly name: string;
  readonly targetDType: SafetensorsDType;
  readonly targetByteLength: number;
}

/** Number of elements converted at a time, which bounds the memory used. */
const PIECE_ELEMENTS = 2 ** 20;

/**
 * Converts a safetensors file to other types in pieces, and returns the number of tensor bytes written. The
 * file is renamed to `target` once complete. A `target` that already is a conversion of `source` is left
 * alone.
 *
 * @throws CheckpointError, also if a finite value overflows the new type
 */
export async function convertFile({ source, target, targetDType, onBytes }: FileConversion): Promise<number> {
  const tensors = await planOf(source, targetDType);
  const header = headerOf(tensors);
  const targetBytes = sum(tensors.map((tensor) => tensor.targetByteLength));
  if (await isConverted({ source, target, header, targetBytes })) {
    onBytes?.(sum(tensors.map((tensor) => tensor.byteLength)));
    return targetBytes;
  }
  const partial = `${target}.partial`;
  const input = await openRegularFile(source);
  try {
    const output = await open(partial, "w");
    try {
      await writeAll(output, header);
      await writeTensors(input, output, { source, tensors, onBytes });
      await output.sync();
    } finally {
      await output.close();
    }
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await input.close();
  }
  return targetBytes;
}

async function planOf(source: string, targetDType: FileConversion["targetDType"]) {
  const tensors = [...(await readSafetensors(source))].map(([name, tensor]): TensorConversion => {
    const { dtype, byteLength } = tensor;
    const to = isFloatDType(dtype) ? targetDType(dtype) : dtype;
    const targetByteLength = (byteLength / elementBytes[dtype]) * elementBytes[to];
    return { ...tensor, name, targetDType: to, targetByteLength };
  });
  return tensors.sort((a, b) => a.offset - b.offset);
}

/**
 * Encodes the header. Spaces pad it so that the tensor data begins at a multiple of 8 bytes, as in files of
 * the safetensors library.
 */
function headerOf(tensors: readonly TensorConversion[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const { name, targetDType, shape, targetByteLength } of tensors) {
    const start = end;
    end += targetByteLength;
    header[name] = { dtype: targetDType, shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

/**
 * Returns true if `target` is complete from an earlier run: its size and header fit, and it is not older than
 * `source`.
 */
async function isConverted(file: {
  source: string;
  target: string;
  header: Uint8Array;
  targetBytes: number;
}): Promise<boolean> {
  const { source, target, header, targetBytes } = file;
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw CheckpointError.from(target, error);
  });
  if (found?.size !== header.length + targetBytes) return false;
  if (found.mtimeMs < (await stat(source)).mtimeMs) return false;
  const input = await openRegularFile(target);
  try {
    return Buffer.compare(await readExactly(input, target, 0, header.length), header) === 0;
  } finally {
    await input.close();
  }
}

async function writeTensors(
  input: FileHandle,
  output: FileHandle,
  { source, tensors, onBytes }: Pick<FileConversion, "source" | "onBytes"> & { tensors: TensorConversion[] },
): Promise<void> {
  let lostCount = 0;
  let firstLost: string | undefined;
  for (const { name, dtype, targetDType, offset, byteLength } of tensors) {
    const convert =
      isFloatDType(dtype) && isFloatDType(targetDType) ? floatConversion(dtype, targetDType) : undefined;
    const pieceBytes = PIECE_ELEMENTS * elementBytes[dtype];
    for (let done = 0; done < byteLength; done += pieceBytes) {
      const piece = await readExactly(input, source, offset + done, Math.min(pieceBytes, byteLength - done));
      const { bytes, overflowCount } = convert?.(piece) ?? { bytes: piece, overflowCount: 0 };
      if (overflowCount > 0) firstLost ??= name;
      lostCount += overflowCount;
      // After an overflow the file is not kept; the remaining pieces are read to count the overflows.
      if (lostCount === 0) await writeAll(output, bytes);
      onBytes?.(piece.length);
    }
  }
  if (lostCount === 0) return;
  const values = lostCount === 1 ? "1 value is" : `${lostCount} values are`;
  throw new CheckpointError(
    source,
    `${values} too large for the type asked for, first in tensor ${firstLost}: convert to bfloat16 instead`,
  );
}

/** Writes all bytes. A single write may accept fewer bytes, on a disk that is nearly full. */
async function writeAll(output: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await output.write(bytes, written)).bytesWritten;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
