import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorTable, readTableFile, TABLE_FILE } from "../../lib/generation/caching/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";

/**
 * Reads the table of a model folder; null if there is none.
 *
 * @throws UsageError if the file is damaged
 */
export async function errorTableIn(folder: string): Promise<ErrorTable | null> {
  const text = await readFile(join(folder, TABLE_FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  const read = readTableFile(JSON.parse(text));
  if (read.ok) return read.value.table;
  throw new UsageError(`${TABLE_FILE}: ${read.fault.sentence}`);
}
