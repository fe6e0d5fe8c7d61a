import { link, open, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Random } from "../../shared/ports.ts";
import { MASTER_KEY_BYTES } from "./key-ring.ts";
import { SecretError } from "./secret-error.ts";

/**
 * Reads the master key from a file, which is created on first use, readable by its owner only. Concurrent processes get
 * the same key.
 *
 * @throws SecretError if the file cannot be read or created, or does not have the size of a key
 */
export async function openMasterKey(
  path: string,
  { random }: { readonly random: Random },
): Promise<Uint8Array> {
  const key = await readOrCreate(path, random).catch((cause: Error) => {
    throw new SecretError(`Cannot open the master key ${path}: ${cause.message}.`, { cause });
  });
  if (key.length === MASTER_KEY_BYTES) return key;
  throw new SecretError(
    `The master key ${path} has ${key.length} bytes instead of ${MASTER_KEY_BYTES}: put the right file back.`,
  );
}

async function readOrCreate(path: string, random: Random): Promise<Uint8Array> {
  const existing = await readFile(path).catch(unless("ENOENT"));
  if (existing) return existing;
  await create(path, random);
  // Another process may have created the file first, so the key is read back.
  return readFile(path);
}

/** Creates the file unless it exists. It is written under another name and then linked, so it is never seen partial. */
async function create(path: string, random: Random): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${Buffer.from(random(8)).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(random(MASTER_KEY_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path).catch(unless("EEXIST"));
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
}

/** Makes the file's name durable. Otherwise, after a crash, sealed texts could survive without their key. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unless(code: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== code) throw error;
  };
}
