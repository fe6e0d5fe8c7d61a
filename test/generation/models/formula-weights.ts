import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import type { NamedWeights } from "../../../lib/generation/models/index.ts";
import { type HeaderEntry, safetensors } from "../checkpoint/safetensors-file.ts";
import { shapesOf } from "../pipeline/tiny-model.ts";

/**
 * Returns values in -1..1 that depend on a name and their index: the finaliser of MurmurHash3 over the index and the
 * FNV-1a of the name, as in tools/golden/config_members.py. Goldens over these values need no files of weights.
 */
export function formula(name: string, count: number): Float64Array {
  let seed = 2166136261;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619) >>> 0;
  return Float64Array.from({ length: count }, (_, index) => {
    let x = (Math.imul(index, 0x9e3779b9) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Returns the values of a weight: near 1 for a vector of factors, near 0 for another one, scaled for a matrix. */
function weightValues(name: string, shape: readonly number[]): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = formula(name, count);
  if (shape.length === 1)
    return Float32Array.from(values, (value) => (name.endsWith("weight") ? 1 + value / 10 : value * 0.3));
  const scale = Math.sqrt(3 / (count / shape[0]!));
  return Float32Array.from(values, (value) => value * scale);
}

/** Runs `work` with a checkpoint that holds every tensor that `build` asks for. */
export async function withFormulaWeights<R>(
  build: (weights: NamedWeights) => unknown,
  work: (weights: Checkpoint) => Promise<R>,
): Promise<R> {
  const header: Record<string, HeaderEntry> = {};
  const values: Float32Array[] = [];
  let end = 0;
  for (const [name, shape] of shapesOf(build)) {
    const data = weightValues(name, shape);
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + data.byteLength] };
    values.push(data);
    end += data.byteLength;
  }
  const folder = await mkdtemp(join(tmpdir(), "adareel-formula-"));
  try {
    const path = join(folder, "model.safetensors");
    await writeFile(
      path,
      safetensors(header, Buffer.concat(values.map(({ buffer }) => new Uint8Array(buffer)))),
    );
    return await work(await Checkpoint.open(path));
  } finally {
    await rm(folder, { recursive: true });
  }
}
