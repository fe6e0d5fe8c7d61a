import type { ObjectStore } from "./object-store.ts";

/** All keys with a prefix, a page at a time. */
export async function* everyKey(
  store: ObjectStore,
  prefix: string,
  { after }: { after?: string } = {},
): AsyncGenerator<string> {
  for (let last = after; ; ) {
    const { keys, isTruncated } = await store.list(prefix, last === undefined ? {} : { after: last });
    yield* keys;
    last = keys.at(-1);
    if (!isTruncated || last === undefined) return;
  }
}
