import { CheckpointError } from "./checkpoint-error.ts";
import { openRegularFile, readExactly } from "./safetensors.ts";
import { type JsonLimits, parseStrictJson, type StrictJson } from "./strict-json.ts";

export interface JsonFileLimits extends JsonLimits {
  readonly bytesMax: number;
}

const configLimits: JsonFileLimits = {
  bytesMax: 16 * 2 ** 20,
  depthMax: 16,
  valuesMax: 1_000_000,
  takesNonFinite: true,
};

/**
 * Reads the JSON object in a small file of a model folder.
 *
 * @throws CheckpointError naming the file
 */
export async function readJsonObject(
  path: string,
  limits: JsonFileLimits = configLimits,
): Promise<Map<string, StrictJson>> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    if (size > limits.bytesMax) {
      throw new CheckpointError(path, `${size} bytes are more than the ${limits.bytesMax} it may have`);
    }
    const bytes = await readExactly(file, path, 0, size);
    const value = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), limits);
    if (value instanceof Map) return value;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const reason = cause instanceof SyntaxError ? `the JSON ${cause.message}` : "the JSON is not UTF-8";
    throw new CheckpointError(path, reason, { cause });
  } finally {
    await file.close();
  }
  throw new CheckpointError(path, "the JSON is not an object");
}

/** Reads a JSON object like `readJsonObject`, as plain objects without a prototype. */
export async function readJsonFile(
  path: string,
  limits?: JsonFileLimits,
): Promise<Readonly<Record<string, unknown>>> {
  return toPlain(await readJsonObject(path, limits)) as Record<string, unknown>;
}

/** Converts Maps to plain objects without a prototype. */
export function toPlain(value: StrictJson): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof Map)) return value;
  const plain: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of value) plain[key] = toPlain(entry);
  return plain;
}
