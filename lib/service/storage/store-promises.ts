import type { Random } from "../../shared/ports.ts";
import { everyKey } from "./every-key.ts";
import { type ObjectStore, type PutOptions, type PutResult, StoreError } from "./object-store.ts";

/** Error of a store that was seen to break a promise. The message is one sentence. */
export class BrokenPromiseError extends Error {
  override readonly name = "BrokenPromiseError";

  /** @param did what the store did: the beginning of the sentence */
  constructor(did: string, options?: ErrorOptions) {
    const advice = "use a server that docs/object-stores.md lists";
    super(`${did}, so jobs could be lost or made twice: ${advice}.`, options);
  }
}

/** Folder of what checks write and delete again. */
export const CHECKS_FOLDER = "checks/";

/** Number of writers that race for one object. */
const RACERS = 8;

/** Number of races for each promise. A server that checks a condition and then writes wins some of them. */
const RACES = 3;

/**
 * Checks once, with some eighty requests in about a second, that a store keeps the promises of {@link ObjectStore} that
 * jobs rely on. It writes below `checks/` and deletes what it wrote. A store that passes may still break a promise
 * under load, or after a crash: docs/object-stores.md says how servers are tested.
 *
 * @throws BrokenPromiseError naming the first promise that was seen broken
 * @throws StoreError if the store does not answer or refuses its credentials
 */
export async function checkStorePromises(store: ObjectStore, random: Random): Promise<void> {
  const folder = `${CHECKS_FOLDER}${Buffer.from(random(12)).toString("hex")}`;
  try {
    await store.put(`${folder}/first`, bytes("reachable"));
    await Promise.all([
      checkCreation(store, `${folder}/create`),
      checkReplacement(store, `${folder}/replace`),
      checkListing(store, `${folder}/list/`),
    ]);
  } finally {
    await clear(store, `${folder}/`);
  }
}

/** Checks that an object is created by one writer only. */
async function checkCreation(store: ObjectStore, key: string): Promise<void> {
  const ifAbsent = { ifAbsent: true };
  const first = await put(store, key, "first", ifAbsent);
  check(first.ok, "The store refused to create an object that was not there");
  const second = await put(store, key, "second", ifAbsent);
  check(!second.ok, "The store created an object a second time instead of refusing it (If-None-Match: *)");
  check((await textOf(store, key)) === "first", "The store changed an object by a write that it refused");
  const asAbsent = async () => ifAbsent;
  await checkRaces(store, `${key}-race`, asAbsent, "created one object for several writers at once");
}

/** Checks that a version is replaced only by writers who know it. */
async function checkReplacement(store: ObjectStore, key: string): Promise<void> {
  const { etag } = (await store.put(key, bytes("old"))) as { etag: string };
  check((await textOf(store, key)) === "old", "The store did not read what was written just before");
  const next = await put(store, key, "new", { ifMatch: etag });
  check(next.ok, "The store refused to replace the version that it had (If-Match)");
  const stale = await put(store, key, "stale", { ifMatch: etag });
  check(!stale.ok, "The store replaced a version that was no longer there instead of refusing it (If-Match)");
  const now = await store.get(key);
  check(now !== null && text(now.body) === "new", "The store did not read what was written just before");
  check(now.etag === next.etag && now.etag !== etag, "The store gave two versions of an object one ETag");
  const none = await put(store, `${key}-none`, "x", { ifMatch: etag });
  check(!none.ok, "The store replaced an object that was not there instead of refusing it (If-Match)");
  const replaced = async (raced: string) => {
    const { etag: ifMatch } = (await store.put(raced, bytes("old"))) as { etag: string };
    return { ifMatch };
  };
  await checkRaces(store, `${key}-race`, replaced, "replaced one version for several writers at once");
}

/** Checks that listings are in order and up to date, and that deletions are. */
async function checkListing(store: ObjectStore, folder: string): Promise<void> {
  const names = ["b", "a", "c"];
  for (const name of names) await store.put(`${folder}${name}`, bytes(name));
  const [a, b, c] = names.map((name) => `${folder}${name}`).sort();
  const listed = async (options = {}) => (await store.list(folder, options)).keys.join();
  check((await listed()) === [a, b, c].join(), "The store did not list what was written, in order");
  check((await listed({ after: a })) === [b, c].join(), "The store did not list what sorts after a key");
  const page = await store.list(folder, { limit: 1 });
  check(page.keys.join() === a && page.isTruncated, "The store did not tell that a listing has more pages");
  await store.delete(a!);
  check((await store.get(a!)) === null, "The store read an object that was deleted just before");
  check((await listed()) === [b, c].join(), "The store listed an object that was deleted just before");
}

/**
 * Checks that at most one writer succeeds in each of several races, each for an object of its own.
 *
 * @param prepare returns the condition on which all writers of a race write
 */
async function checkRaces(
  store: ObjectStore,
  key: string,
  prepare: (key: string) => Promise<PutOptions>,
  did: string,
): Promise<void> {
  for (let race = 0; race < RACES; race += 1) {
    const raced = `${key}-${race}`;
    const condition = await prepare(raced);
    const racers = Array.from({ length: RACERS }, (_, index) =>
      store.put(raced, bytes(`${index}`), condition),
    );
    const won = (await Promise.all(racers)).filter(({ ok }) => ok);
    check(won.length <= 1, `The store ${did}`);
  }
}

/** Number of times that a write is tried which the store answers with a conflict. */
const TRIES = 5;

/** Writes on a condition. A store that has no conditions may answer with an error instead of a refusal. */
async function put(store: ObjectStore, key: string, body: string, condition: PutOptions): Promise<PutResult> {
  let result: PutResult | null = null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    result = await store.put(key, bytes(body), condition).catch((cause: unknown) => {
      if (!(cause instanceof StoreError) || cause.code !== "unavailable") throw cause;
      const message = `The store failed a write on a condition (${cause.message.replace(/\.$/, "")})`;
      throw new BrokenPromiseError(message, { cause });
    });
    if (result.ok || result.reason !== "conflict") break;
  }
  return result!;
}

async function clear(store: ObjectStore, prefix: string): Promise<void> {
  try {
    for await (const key of everyKey(store, prefix)) await store.delete(key);
  } catch {
    // What the check has found matters more; a few small objects may stay.
  }
}

async function textOf(store: ObjectStore, key: string): Promise<string | null> {
  const object = await store.get(key);
  return object && text(object.body);
}

const bytes = (content: string) => new TextEncoder().encode(content);
const text = (body: Uint8Array) => new TextDecoder().decode(body);

function check(holds: boolean, did: string): asserts holds {
  if (!holds) throw new BrokenPromiseError(did);
}
