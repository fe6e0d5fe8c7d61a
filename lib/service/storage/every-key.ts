import type { Listing, ObjectStore } from "./object-store.ts";

/**
 * All keys that begin with `prefix` and come after `start`, however many; those that come and go meanwhile may be among
 * them or not.
 */
export async function* everyKey(store: ObjectStore, prefix: string, start?: string): AsyncGenerator<string> {
  let after = start;
  do {
    const { keys, isTruncated }: Listing = await store.list(prefix, after === undefined ? {} : { after });
    yield* keys;
    after = isTruncated ? keys.at(-1) : undefined;
  } while (after !== undefined);
}
