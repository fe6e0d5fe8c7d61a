import { link, open, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isSameSecret } from "../../shared/is-same-secret.ts";
import type { Random } from "../../shared/ports.ts";
import { CHECKS_FOLDER, everyKey, type ObjectStore } from "../storage/index.ts";
import { AFTER_API_KEYS } from "./api-keys.ts";
import { keyRing, MASTER_KEY_BYTES } from "./key-ring.ts";
import { SecretError } from "./secret-error.ts";

export interface MasterKeyOptions {
  /** Store whose secrets the key opens. It keeps the key's fingerprint, which reveals nothing of the key. */
  readonly store: ObjectStore;
  readonly random: Random;
  /** True if another key may take the place of one that is lost. Default false. */
  readonly mayReplace?: boolean;
  /** Setting that errors name as the way to start over, such as `NEW_MASTER_KEY=1`. */
  readonly replaceSetting?: string;
}

/** Object that holds the fingerprint of the key which the store was first used with. */
const FINGERPRINT_KEY = "master-key-fingerprint";

/**
 * Reads the master key from a file, which is created on first use of the store, readable by its owner only. Concurrent
 * processes get the same key.
 *
 * @throws SecretError if the file cannot be read or created, does not have the size of a key, is missing although the
 *   store was used, or holds another key than the store was used with
 */
export async function openMasterKey(path: string, options: MasterKeyOptions): Promise<Uint8Array> {
  const { store, mayReplace = false, replaceSetting } = options;
  const onceWith = replaceSetting && `start once with ${replaceSetting} to go on without it`;
  const otherwise = onceWith ? `, or ${onceWith}` : "";
  // Looked at before the file: a process that makes the key meanwhile uses the store only once the file is there.
  const isUsed = await hasObjects(store);
  const key = await readOrCreate(path, options, isUsed && !mayReplace).catch((cause: Error) => {
    throw new SecretError(`Cannot open the master key ${path}: ${cause.message}.`, { cause });
  });
  if (key === null) {
    const lost = `The master key ${path} is missing, but the store has objects whose secrets need it`;
    throw new SecretError(
      `${lost}: put the file back from a backup or another machine of the service${otherwise}.`,
    );
  }
  if (key.length !== MASTER_KEY_BYTES) {
    const size = `The master key ${path} has ${key.length} bytes instead of ${MASTER_KEY_BYTES}`;
    const deleted = onceWith ? `, or delete it and ${onceWith}` : "";
    throw new SecretError(`${size}: put the right file back from a backup${deleted}.`);
  }
  const fingerprint = Buffer.from(keyRing(key, options.random).derivedKey("fingerprint"));
  if (!(await isKeptOrFirst(store, fingerprint))) {
    if (!mayReplace) {
      const wrong = `The master key ${path} is not the one that this store was used with`;
      throw new SecretError(
        `${wrong}: put the right file back from a backup or another machine of the service${otherwise}.`,
      );
    }
    await store.put(FINGERPRINT_KEY, fingerprint);
  }
  return key;
}

/** Returns whether others than its owner may read or change a file, on systems that tell. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  return process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0;
}

/**
 * Returns whether a store holds more than API keys, which need no master key and may be made before a first start, and
 * what the check of a worker's start leaves for a moment.
 */
async function hasObjects(store: ObjectStore): Promise<boolean> {
  for await (const key of everyKey(store, "", AFTER_API_KEYS, 100))
    if (!key.startsWith(CHECKS_FOLDER)) return true;
  return false;
}

/** Returns whether the store keeps this fingerprint. The first one that a store is asked for is kept. */
async function isKeptOrFirst(store: ObjectStore, fingerprint: Uint8Array): Promise<boolean> {
  const kept = await store.get(FINGERPRINT_KEY);
  if (kept) return isSameSecret(kept.body, fingerprint);
  const put = await store.put(FINGERPRINT_KEY, fingerprint, { ifAbsent: true });
  // Otherwise another process was first: with the same key, or with another one that was put in its place.
  return put.ok || isKeptOrFirst(store, fingerprint);
}

/** Reads the key, or makes one; null if there is none and it is expected to exist. */
async function readOrCreate(
  path: string,
  { random }: MasterKeyOptions,
  isExpected: boolean,
): Promise<Uint8Array | null> {
  const existing = await readFile(path).catch(unless("ENOENT"));
  if (existing) return existing;
  if (isExpected) return null;
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
