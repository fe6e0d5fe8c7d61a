import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { nameOf } from "../../shared/sentences/index.ts";
import { channelScale, quantizedWeight } from "../onnx/index.ts";
import { CheckpointError, TENSOR_NAME_MAX } from "./checkpoint-error.ts";
import { type FloatDType, floatConversion, isFloatDType } from "./float-conversion.ts";
import { type QuantizedPart, quantizedMetadata, quantizedTensors } from "./quantized-file.ts";
import { elementBytes, openRegularFile, readExactly } from "./safetensors.ts";
import { encodeHeader, hasHeader, writeAll, writeWhole } from "./safetensors-writer.ts";
import type { LocatedTensor } from "./weight-files.ts";
import { QUANTIZED_FILE } from "./weight-layout.ts";

export interface Quantization {
  readonly part: QuantizedPart;
  /** Names of the weights to quantise, each a matrix of floating-point numbers. */
  readonly names: Iterable<string>;
  /** Called with the number of tensor bytes read since the last call. */
  readonly onBytes?: ((byteCount: number) => void) | undefined;
}

/** Elements of a weight that are read at a time, and integers that are collected, which bound the memory used. */
const PIECE_ELEMENTS = 2 ** 20;
const STRIP_ELEMENTS = 2 ** 23;

/** Rows of a piece, and columns that are transposed at a time: the cache holds both sides of such a block. */
const ROWS_MAX = 256;
const CACHE_LINE_VALUES = 16;

/** A weight [out, width] of the checkpoint. */
interface Matrix {
  readonly name: string;
  readonly stored: LocatedTensor & { readonly dtype: FloatDType };
  readonly shape: readonly [out: number, width: number];
}

/** A weight with the places of its tensors in the file that is written. */
interface PlannedWeight extends Matrix {
  readonly valuesOffset: number;
  readonly scalesOffset: number;
}

type WeightToWrite = PlannedWeight & Pick<Quantization, "onBytes">;

/**
 * Writes weights of a part in 8-bit integers to a file beside them, in a few dozen MiB of memory, and returns the bytes
 * of the file's tensors. A file that was written from the same weights before is left alone.
 *
 * @throws CheckpointError, also if a weight is not finite
 */
export async function writeQuantized({ part, names, onBytes }: Quantization): Promise<number> {
  const target = join(part.folder, QUANTIZED_FILE);
  const { weights, header, byteLength } = await planOf(part, names);
  if (await hasHeader(target, header, byteLength)) {
    for (const { stored } of weights) onBytes?.(stored.byteLength);
    return byteLength;
  }
  const inputs = new Map<string, FileHandle>();
  try {
    for (const path of new Set(weights.map(({ stored }) => stored.path)))
      inputs.set(path, await openRegularFile(path));
    await writeWhole(target, async (output) => {
      await writeAll(output, header, 0);
      for (const weight of weights)
        await writeWeight(inputs.get(weight.stored.path)!, output, { ...weight, onBytes });
    });
  } finally {
    for (const input of inputs.values()) await input.close();
  }
  return byteLength;
}

/** Plans a file: all scales, which have to be aligned, then all values, in the order in which weights are stored. */
async function planOf(part: QuantizedPart, names: Iterable<string>) {
  const found = [...names].map((name) => matrixOf(part, name)).sort(byPlace);
  const tensors = found.map(({ name, shape }) => quantizedTensors(name, shape));
  const declared = [...tensors.map(({ scales }) => scales), ...tensors.map(({ values }) => values)];
  const header = encodeHeader(declared, await quantizedMetadata(part, found.length));
  const offsets = new Map<string, number>();
  let end = header.length;
  for (const { name, byteLength } of declared) {
    offsets.set(name, end);
    end += byteLength;
  }
  const weights = found.map((matrix, index): PlannedWeight => {
    const { values, scales } = tensors[index]!;
    return {
      ...matrix,
      valuesOffset: offsets.get(values.name)!,
      scalesOffset: offsets.get(scales.name)!,
    };
  });
  return { weights, header, byteLength: end - header.length };
}

function byPlace({ stored: a }: Matrix, { stored: b }: Matrix): number {
  if (a.path === b.path) return a.offset - b.offset;
  return a.path < b.path ? -1 : 1;
}

function matrixOf({ weights, folder }: QuantizedPart, name: string): Matrix {
  const stored = weights.tensors().get(name);
  const [out, width, ...others] = stored?.shape ?? [];
  if (!stored || out === undefined || width === undefined || others.length > 0 || !isFloat(stored))
    throw new CheckpointError(folder, `tensor ${nameOf(name, TENSOR_NAME_MAX)} is no matrix of numbers`);
  return { name, stored, shape: [out, width] };
}

function isFloat(stored: LocatedTensor): stored is Matrix["stored"] {
  return isFloatDType(stored.dtype);
}

/**
 * Quantises one weight. Its rows are read once for each strip of columns, because a column of the weight is a row of
 * its values.
 */
async function writeWeight(
  input: FileHandle,
  output: FileHandle,
  { name, stored, shape: [out, width], valuesOffset, scalesOffset, onBytes }: WeightToWrite,
): Promise<void> {
  const bytesPerElement = elementBytes[stored.dtype];
  const toFloat32 = floatConversion(stored.dtype, "F32");
  const rows = Math.max(1, Math.min(ROWS_MAX, Math.floor(PIECE_ELEMENTS / width)));
  const columns = Math.max(1, Math.floor(STRIP_ELEMENTS / out));
  const scales = new Float32Array(out);
  for (let first = 0; first < width; first += columns) {
    const last = Math.min(width, first + columns);
    const strip = new Int8Array((last - first) * out);
    for (let row = 0; row < out; row += rows) {
      const count = Math.min(rows, out - row);
      const [offset, length] = [row * width * bytesPerElement, count * width * bytesPerElement];
      const bytes = await readExactly(input, stored.path, stored.offset + offset, length);
      const piece = new Float32Array(toFloat32(bytes).bytes.buffer); // [count, width]
      if (first === 0) for (let i = 0; i < count; i++) scales[row + i] = scaleOf(piece, i, width);
      quantizeInto(strip, piece, { first, last, width, out, row, scales });
    }
    if (first === 0 && !scales.every(Number.isFinite)) {
      const label = `tensor ${nameOf(name, TENSOR_NAME_MAX)}`;
      throw new CheckpointError(stored.path, `${label} has values that are not finite`);
    }
    await writeAll(output, new Uint8Array(strip.buffer), valuesOffset + first * out);
    onBytes?.((last - first) * out * bytesPerElement);
  }
  await writeAll(output, new Uint8Array(scales.buffer), scalesOffset);
}

function scaleOf(piece: Float32Array, row: number, width: number): number {
  return channelScale(piece.subarray(row * width, (row + 1) * width));
}

/** Columns of a weight [out, width] from `first` to before `last`, and the first of some of its rows. */
interface Strip {
  readonly first: number;
  readonly last: number;
  readonly width: number;
  readonly out: number;
  readonly row: number;
  readonly scales: Float32Array;
}

/** Quantises rows of a weight, `piece` [rows, width], into their places in `strip` [last - first, out]. */
function quantizeInto(strip: Int8Array, piece: Float32Array, of: Strip): void {
  const { first, last, width, out, row, scales } = of;
  const count = piece.length / width;
  for (let block = first; block < last; block += CACHE_LINE_VALUES) {
    const end = Math.min(last, block + CACHE_LINE_VALUES);
    for (let i = 0; i < count; i++) {
      const scale = scales[row + i]!;
      for (let column = block; column < end; column++)
        strip[(column - first) * out + row + i] = quantizedWeight(piece[i * width + column]!, scale);
    }
  }
}
