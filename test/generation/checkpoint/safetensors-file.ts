import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export type HeaderEntry = { dtype: string; shape: readonly number[]; data_offsets: readonly number[] };

/** Creates the bytes of a safetensors file. A string is used verbatim as the text of the header. */
export function safetensors(
  header: Record<string, unknown> | string,
  data: Uint8Array = new Uint8Array(),
): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** Creates one-dimensional float32 tensors, stored one after the other. */
export function floatTensors(tensors: Record<string, readonly number[]>): Buffer {
  const header: Record<string, HeaderEntry> = {};
  let end = 0;
  for (const [name, values] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape: [values.length], data_offsets: [end, end + 4 * values.length] };
    end += 4 * values.length;
  }
  return safetensors(header, new Uint8Array(Float32Array.from(Object.values(tensors).flat()).buffer));
}

/** Creates a folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "adareel-checkpoint-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
