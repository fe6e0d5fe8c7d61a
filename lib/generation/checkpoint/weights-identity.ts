import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import type { ModelPart } from "./model-folder.ts";
import { openRegularFile } from "./safetensors.ts";
import type { LocatedTensor } from "./weight-files.ts";

export type IdentifiedPart = Pick<ModelPart, "className" | "config"> & { readonly weights: Checkpoint };

/** Bytes that are read from the middle of each tensor. */
const SAMPLE_BYTES = 1024;
/** Reads under way at once, so that a slow disk is not waited for a thousand times. */
const READS = 32;

/**
 * Returns a SHA-256, in hex, that tells whether parts compute the same: over their configurations, the names, types and
 * shapes of all tensors, and 1 KiB from the middle of each tensor.
 *
 * Other weights change it: another fine-tune, a merged LoRA, another precision on disk. A change of a few values that
 * misses every sample does not. It stays the same for copies, for other names of folders and files, and for another
 * division into files. It reads 1 KiB for each tensor, about 1 MiB for a transformer of 14 billion parameters, where
 * `modelFingerprint` reads everything.
 *
 * @throws CheckpointError
 */
export async function weightsIdentity(parts: readonly IdentifiedPart[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { className, config, weights } of parts) {
    hash.update(`${className}\0${configHash(config)}\0`);
    await addTensors(hash, weights.tensors());
  }
  return hash.digest("hex");
}

/**
 * Returns the SHA-256, in hex, of a configuration. The order of its members does not count, nor do members whose names
 * begin with `_`, such as the version of the library that wrote it.
 */
export function configHash(config: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(config).filter(([name]) => !name.startsWith("_"));
  return createHash("sha256")
    .update(inOrder(Object.fromEntries(members)))
    .digest("hex");
}

/** Writes JSON whose members are sorted by name. */
function inOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join()}]`;
  // JSON has no word for numbers that are not finite.
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${inOrder(member)}`).join()}}`;
}

async function addTensors(hash: Hash, tensors: ReadonlyMap<string, LocatedTensor>): Promise<void> {
  const sorted = [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const files = new Map<string, FileHandle>();
  try {
    for (const path of new Set(sorted.map(([, tensor]) => tensor.path)))
      files.set(path, await openRegularFile(path));
    for (let start = 0; start < sorted.length; start += READS) {
      const group = sorted.slice(start, start + READS);
      const samples = await Promise.all(group.map(([, tensor]) => sampleOf(tensor, files.get(tensor.path)!)));
      for (const [index, [name, { dtype, shape }]] of group.entries())
        hash.update(`${name}\0${dtype}\0${shape.join()}\0`).update(samples[index]!);
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
}

async function sampleOf({ path, offset, byteLength }: LocatedTensor, file: FileHandle): Promise<Uint8Array> {
  const length = Math.min(SAMPLE_BYTES, byteLength);
  const bytes = new Uint8Array(length);
  const start = offset + Math.floor((byteLength - length) / 2);
  const { bytesRead } = await file.read(bytes, 0, length, start).catch((cause: unknown) => {
    throw CheckpointError.from(path, cause);
  });
  return bytes.subarray(0, bytesRead);
}
