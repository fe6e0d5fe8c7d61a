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
  /** What tensors of a type are to be stored as; those without a float type are copied. */
  readonly targetDType: (dtype: FloatDType) => FloatDType;
  /** Told of the bytes of tensors that were read. */
  readonly onBytes?: ((byteCount: number) => void) | undefined;
}

/** One tensor, and what becomes of it. */
interface TensorConversion extends StoredTensor {
  readonly name: string;
  readonly targetDType: SafetensorsDType;
  readonly targetByteLength: number;
}

/** Elements that are in memory at a time. */
const PIECE_ELEMENTS = 2 ** 20;

/**
 * Writes a safetensors file again in other types, a piece at a time, and returns the bytes of its tensors. `target`
 * has its name only once it is whole, and is left alone if it is a conversion of `source` already.
 *
 * @throws CheckpointError, also where values are larger than any of the new type
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

/** Ends in the blanks that let every tensor begin at a multiple of 8 bytes, as the format's own library has it. */
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

/** Whether a run before this one got as far as this file, and its source has not changed since. */
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
      // Once a value was lost the rest is only counted.
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

/** A write may take less than it was given, on a disk that is nearly full. */
async function writeAll(output: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await output.write(bytes, written)).bytesWritten;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
