import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { z } from "zod";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { type SectionName, withSection } from "./markdown.ts";

/**
 * Reads measurements that a benchmark wrote.
 *
 * @throws UsageError if the file cannot be read, or is not from this benchmark
 */
export async function readResults<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new UsageError(`The results cannot be read: ${cause.message}.`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${basename(path)} is not JSON: name a file of results with --from.`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UsageError(
    `${basename(path)} does not hold the results of this benchmark: ${issue.path.join(".")}: ${issue.message}.`,
  );
}

export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Writes one section into a document, which may not exist yet. */
export async function updateDocument(path: string, name: SectionName, body: string): Promise<void> {
  const document = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  await writeText(path, withSection(document, name, body));
}
