import { everyKey, type Listing, type ObjectStore } from "../storage/index.ts";
import { invertedTime, videoIdTime } from "./ids.ts";
import { jobKey, jobOfKey, jobsPrefix } from "./object-keys.ts";

/** Number of keys that one request to the store lists. */
const KEYS_MAX = 1000;

/**
 * Lists keys of a tenant's records, oldest job first. Object stores list the newest first only, so the end of the
 * listing is looked for: by halving the time in which the next jobs were created, until these are few enough for one
 * listing. That takes one request to the store for up to 1000 newer jobs, and otherwise mostly 8 to 16, whatever the
 * number of jobs. Requests list names and read no records.
 *
 * @param options.after id of a video; the page begins with the next newer one
 */
export async function oldestKeys(
  store: ObjectStore,
  tenant: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<Listing> {
  const prefix = jobsPrefix(tenant);
  const end = after === undefined ? null : jobKey({ tenant, id: after });

  /** Lists the keys of the jobs that were created before a time and after `after`; null if they are too many. */
  async function keysBefore(time: number): Promise<string[] | null> {
    const start = time === Infinity ? {} : { after: prefix + invertedTime(time) };
    const { keys, isTruncated } = await store.list(prefix, { ...start, limit: KEYS_MAX });
    const newer = end === null ? keys : keys.filter((key) => key < end);
    return isTruncated && newer.length === keys.length ? null : [...newer];
  }

  const all = await keysBefore(Infinity);
  if (all) return { keys: all.slice(-limit).reverse(), isTruncated: all.length > limit };
  let [few, many] = [after === undefined ? 0 : videoIdTime(after), await timeAfterNewest(store, prefix)];
  while (many - few > 1) {
    const time = Math.floor((few + many) / 2);
    const keys = await keysBefore(time);
    if (keys && keys.length >= limit) return { keys: keys.slice(-limit).reverse(), isTruncated: true };
    if (keys) few = time;
    else many = time;
  }
  // More than a thousand jobs of one millisecond: all of them are listed.
  const keys: string[] = [];
  for await (const key of everyKey(store, prefix, prefix + invertedTime(many))) {
    if (end !== null && key >= end) break;
    keys.push(key);
  }
  return { keys: keys.slice(-limit).reverse(), isTruncated: true };
}

async function timeAfterNewest(store: ObjectStore, prefix: string): Promise<number> {
  const { keys } = await store.list(prefix, { limit: 1 });
  const newest = keys[0] === undefined ? null : jobOfKey(keys[0]);
  return newest ? videoIdTime(newest.id) + 1 : 1;
}
