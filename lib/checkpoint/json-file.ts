import { CheckpointError } from "./checkpoint-error.ts";
import { openRegularFile, readExactly } from "./safetensors.ts";
import { parseStrictJson, type StrictJson } from "./strict-json.ts";

const jsonBytesMax = 16 * 2 ** 20;
const jsonLimits = { depthMax: 16, valuesMax: 1_000_000 };

/** The object in a small JSON file of a model folder. @throws CheckpointError naming the file */
export async function readJsonObject(path: string): Promise<Map<string, StrictJson>> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    if (size > jsonBytesMax)
      throw new CheckpointError(path, `${size} bytes are too many for a configuration`);
    const bytes = await readExactly(file, path, 0, size);
    const value = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), jsonLimits);
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

/** The same value made of plain objects, which own no inherited keys. */
export function toPlain(value: StrictJson): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof Map)) return value;
  const plain: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of value) plain[key] = toPlain(entry);
  return plain;
}
