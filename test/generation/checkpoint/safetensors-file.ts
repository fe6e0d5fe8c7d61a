import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export type HeaderEntry = { dtype: string; shape: readonly number[]; data_offsets: readonly number[] };

/** The bytes of a safetensors file; a string is taken as the header's text, whatever it holds. */
export function safetensors(
  header: Record<string, unknown> | string,
  data: Uint8Array = new Uint8Array(),
): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** Float32 tensors of one axis, laid out one after the other. */
export function floatTensors(tensors: Record<string, readonly number[]>): Buffer {
  const header: Record<string, HeaderEntry> = {};
  let end = 0;
  for (const [name, values] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape: [values.length], data_offsets: [end, end + 4 * values.length] };
    end += 4 * values.length;
  }
  return safetensors(header, new Uint8Array(Float32Array.from(Object.values(tensors).flat()).buffer));
}

/** A folder that is gone when the tests of the file are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "adareel-checkpoint-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
