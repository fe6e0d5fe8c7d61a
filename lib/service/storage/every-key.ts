import type { Listing, ObjectStore } from "./object-store.ts";

/**
 * Yields all keys that begin with `prefix` and sort after `start`. Keys that are created or deleted meanwhile may or
 * may not be among them.
 *
 * @param limit number of keys that are listed at once, 1 to 1000
 */
export async function* everyKey(
  store: ObjectStore,
  prefix: string,
  start?: string,
  limit = 1000,
): AsyncGenerator<string> {
  let after = start;
  do {
    const { keys, isTruncated }: Listing = await store.list(prefix, {
      limit,
      ...(after !== undefined && { after }),
    });
    yield* keys;
    after = isTruncated ? keys.at(-1) : undefined;
  } while (after !== undefined);
}
