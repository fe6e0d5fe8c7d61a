import { type FileHandle, stat } from "node:fs/promises";
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
import { encodeHeader, hasHeader, writeAll, writeWhole } from "./safetensors-writer.ts";

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
  const declared = tensors.map(({ name, shape, targetDType, targetByteLength }) => ({
    ...{ name, shape },
    dtype: targetDType,
    byteLength: targetByteLength,
  }));
  const header = encodeHeader(declared, { format: "pt" });
  const targetBytes = sum(tensors.map((tensor) => tensor.targetByteLength));
  if ((await hasHeader(target, header, targetBytes)) && (await isNewer(target, source))) {
    onBytes?.(sum(tensors.map((tensor) => tensor.byteLength)));
    return targetBytes;
  }
  const input = await openRegularFile(source);
  try {
    await writeWhole(target, async (output) => {
      await writeAll(output, header);
      await writeTensors(input, output, { source, tensors, onBytes });
    });
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

/** Tells if `target` is not older than `source`. */
async function isNewer(target: string, source: string): Promise<boolean> {
  return (await stat(target)).mtimeMs >= (await stat(source)).mtimeMs;
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
