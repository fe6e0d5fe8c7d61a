import { type FileHandle, open, stat } from "node:fs/promises";
import { quoted } from "../../shared/sentences/index.ts";
import { CheckpointError, TENSOR_NAME_MAX } from "./checkpoint-error.ts";
import { foreignFormat } from "./foreign-format.ts";
import { parseStrictJson, type StrictJson } from "./strict-json.ts";

/** Bytes of one element of each data type of the format. */
export const elementBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type SafetensorsDType = keyof typeof elementBytes;

export interface StoredTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Offset of the first byte from the beginning of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

// Headers of the largest public checkpoints are below 1 MiB. Limits are checked before any allocation.
const headerBytesMax = 16 * 2 ** 20;
const tensorsMax = 100_000;
const rankMax = 8;
const headerLimits = { depthMax: 3, valuesMax: 1_000_000 };
const lengthPrefixBytes = 8;

/**
 * Reads the tensors that a safetensors file declares, in the order of its header. The file is untrusted:
 * before anything is returned, every tensor is checked to lie inside the file, and all of them to cover its
 * data without overlap or gap.
 *
 * @throws CheckpointError naming the file
 * @see https://huggingface.co/docs/safetensors ("Format")
 */
export async function readSafetensors(path: string): Promise<Map<string, StoredTensor>> {
  return (await readHeader(path)).tensors;
}

/**
 * Reads `__metadata__` of a safetensors file, which is checked like `readSafetensors` does; empty if it has none.
 *
 * @throws CheckpointError naming the file
 */
export async function readMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  return (await readHeader(path)).metadata;
}

interface Header {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

async function readHeader(path: string): Promise<Header> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    const beginning = await readExactly(file, path, 0, Math.min(size, 64));
    const prefix = beginning.subarray(0, lengthPrefixBytes);
    // A length of text or of another format is absurd; that of a header is not, and its first bytes are no text.
    const isAbsurd = size < lengthPrefixBytes || lengthOf(prefix) > BigInt(headerBytesMax);
    const foreign = isAbsurd ? foreignFormat(beginning) : undefined;
    if (foreign !== undefined) throw new CheckpointError(path, foreign);
    if (size < lengthPrefixBytes)
      throw new CheckpointError(path, `not a safetensors file, it has ${size} bytes`);
    const declared = lengthOf(prefix);
    if (declared > BigInt(headerBytesMax)) {
      throw new CheckpointError(path, `not a safetensors file, its header would be ${declared} bytes long`);
    }
    const headerBytes = Number(declared);
    const dataOffset = lengthPrefixBytes + headerBytes;
    if (dataOffset > size) {
      throw new CheckpointError(
        path,
        `truncated, its header needs ${dataOffset} bytes and the file has ${size}`,
      );
    }
    const header = await readExactly(file, path, lengthPrefixBytes, headerBytes);
    return parseHeader(path, header, dataOffset, size);
  } finally {
    await file.close();
  }
}

/** Reads the length of the header from the first eight bytes of a file. */
function lengthOf(prefix: Uint8Array): bigint {
  return new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
}

/**
 * Opens a regular file for reading. Pipes and devices are refused: opening or reading them could block or
 * never end.
 *
 * @throws CheckpointError if it is not a regular file or cannot be opened
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isFile()) return await open(path, "r");
  } catch (cause) {
    throw CheckpointError.from(path, cause);
  }
  throw new CheckpointError(path, "not a regular file");
}

/**
 * Reads `byteLength` bytes at `offset`.
 *
 * @throws CheckpointError if the file ends before
 */
export async function readExactly(
  file: FileHandle,
  path: string,
  offset: number,
  byteLength: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let filled = 0;
  while (filled < byteLength) {
    const { bytesRead } = await file
      .read(bytes, filled, byteLength - filled, offset + filled)
      .catch((cause) => {
        throw CheckpointError.from(path, cause);
      });
    if (bytesRead === 0)
      throw new CheckpointError(path, `truncated, it ends ${byteLength - filled} bytes too early`);
    filled += bytesRead;
  }
  return bytes;
}

function parseHeader(path: string, bytes: Uint8Array, dataOffset: number, size: number): Header {
  const fail = (reason: string, cause?: unknown): never => {
    throw new CheckpointError(path, reason, { cause });
  };
  let header: StrictJson;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = parseStrictJson(text, headerLimits);
  } catch (cause) {
    return fail(
      cause instanceof SyntaxError ? `the header ${cause.message}` : "the header is not UTF-8",
      cause,
    );
  }
  if (!(header instanceof Map) || bytes[0] !== "{".charCodeAt(0))
    return fail("the header is not a JSON object");
  if (header.size > tensorsMax)
    return fail(`the header lists ${header.size} tensors, more than ${tensorsMax}`);

  const tensors = new Map<string, StoredTensor>();
  let metadata: Header["metadata"] = new Map();
  for (const [name, entry] of header) {
    if (name === "__metadata__") metadata = parseMetadata(entry, fail);
    else tensors.set(name, parseTensor(name, entry, dataOffset, fail));
  }
  checkCoverage(tensors, dataOffset, size, fail);
  return { tensors, metadata };
}

type Fail = (reason: string) => never;

function parseMetadata(entry: StrictJson, fail: Fail): ReadonlyMap<string, string> {
  const isStringMap = entry instanceof Map && [...entry.values()].every((value) => typeof value === "string");
  return isStringMap ? (entry as Map<string, string>) : fail("__metadata__ is not a map of strings");
}

function parseTensor(name: string, entry: StrictJson, dataOffset: number, fail: Fail): StoredTensor {
  const label = `tensor ${quoted(name, TENSOR_NAME_MAX)}`;
  if (!(entry instanceof Map) || entry.size !== 3)
    return fail(`${label} is not {dtype, shape, data_offsets}`);
  const dtype = entry.get("dtype");
  const shape = entry.get("shape");
  const offsets = entry.get("data_offsets");
  if (typeof dtype !== "string" || !Object.hasOwn(elementBytes, dtype)) {
    return fail(`${label} has the unknown dtype ${quoted(dtype)}`);
  }
  if (!isSizes(shape) || shape.length > rankMax) return fail(`${label} has an impossible shape`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    return fail(`${label} has impossible data_offsets`);
  }
  const knownType = dtype as SafetensorsDType;
  const byteLength = offsets[1]! - offsets[0]!;
  // BigInt, because the product of a hostile shape may exceed the integers that a double represents.
  const needed = shape.reduce((product, size) => product * BigInt(size), BigInt(elementBytes[knownType]));
  if (needed !== BigInt(byteLength)) return fail(`${label} needs ${needed} bytes and has ${byteLength}`);
  return { dtype: knownType, shape, offset: dataOffset + offsets[0]!, byteLength };
}

function isSizes(value: StrictJson | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

/**
 * Checks that tensors tile the data section, as the format requires: bytes outside every tensor could hide
 * anything.
 */
function checkCoverage(
  tensors: Map<string, StoredTensor>,
  dataOffset: number,
  size: number,
  fail: Fail,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataOffset;
  for (const [name, { offset, byteLength }] of inOrder) {
    if (offset < end) fail(`tensor ${quoted(name, TENSOR_NAME_MAX)} overlaps another one`);
    if (offset > end)
      fail(`there is a gap of ${offset - end} bytes before tensor ${quoted(name, TENSOR_NAME_MAX)}`);
    end += byteLength;
  }
  if (end > size) fail(`truncated, its tensors end at byte ${end} and the file has ${size}`);
  if (end < size) fail(`${size - end} bytes after the last tensor belong to none`);
}
