import { open, truncate } from "node:fs/promises";
import type { Tensor } from "../../../lib/generation/onnx/index.ts";
import { volume } from "./random-values.ts";

export type Shapes = ReadonlyMap<string, readonly number[]>;

const DTYPES = { float32: { name: "F32", bytes: 4 }, int64: { name: "I64", bytes: 8 } } as const;
type StoredDType = keyof typeof DTYPES;

/** Writes a file of float32 weights from `valuesOf`. Without it, the weights are a hole, which reads as zeros. */
export async function writeWeights(
  path: string,
  shapes: Shapes,
  valuesOf?: (name: string, shape: readonly number[]) => Float32Array,
): Promise<void> {
  const { header, end } = headerOf([...shapes].map(([name, shape]) => ({ name, dtype: "float32", shape })));
  const file = await open(path, "w");
  try {
    await file.write(header);
    for (const [name, shape] of valuesOf ? shapes : []) await file.write(valuesOf!(name, shape));
  } finally {
    await file.close();
  }
  if (!valuesOf) await truncate(path, header.length + end);
}

/** Writes the inputs of a graph to a file. */
export async function writeFeeds(path: string, feeds: Readonly<Record<string, Tensor>>): Promise<void> {
  const described = Object.entries(feeds).map(([name, { dtype, shape }]) => ({
    name,
    dtype: dtype as StoredDType,
    shape,
  }));
  const file = await open(path, "w");
  try {
    await file.write(headerOf(described).header);
    for (const { data } of Object.values(feeds)) await file.write(data);
  } finally {
    await file.close();
  }
}

function headerOf(tensors: readonly { name: string; dtype: StoredDType; shape: readonly number[] }[]): {
  header: Buffer;
  /** Number of bytes after the header. */
  end: number;
} {
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const start = end;
    end += DTYPES[dtype].bytes * volume(shape);
    entries[name] = { dtype: DTYPES[dtype].name, shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return { header: Buffer.concat([length, text]), end };
}
