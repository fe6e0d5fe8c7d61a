import fc from "fast-check";
import { expect, it } from "vitest";
import { newVideoId } from "../../../lib/service/jobs/index.ts";
import { jobKey, jobOfKey } from "../../../lib/service/jobs/object-keys.ts";
import { oldestKeys } from "../../../lib/service/jobs/oldest-keys.ts";
import { system } from "../../../lib/shared/system.ts";
import { memoryStore } from "./memory-store.ts";

const tenant = "acme";

/** Creates the markers of jobs of the given times, and returns their keys, oldest first, and a counted store. */
async function storeOf(times: readonly number[]) {
  const store = memoryStore();
  const ids = times.map((time) => newVideoId({ now: () => time }, system.random)).sort();
  for (const id of ids) await store.put(jobKey({ tenant, id }), new Uint8Array());
  let lists = 0;
  const counted = {
    ...store,
    list: async (...args: Parameters<typeof store.list>) => {
      lists += 1;
      return store.list(...args);
    },
  };
  return { ids, store: counted, lists: () => lists };
}

async function allPages(
  store: Awaited<ReturnType<typeof storeOf>>["store"],
  limit: number,
): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await oldestKeys(store, tenant, { after, limit });
    keys.push(...page.keys);
    if (!page.isTruncated) return keys;
    after = jobOfKey(page.keys.at(-1)!)!.id;
  }
}

const keysOf = (ids: readonly string[]) => ids.map((id) => jobKey({ tenant, id }));

const NOW = 1_795_000_000_000;
const DAY = 86_400_000;

it.each<[title: string, times: number[]]>([
  ["no job", []],
  ["one job", [NOW]],
  ["few jobs", Array.from({ length: 30 }, (_, i) => NOW - i * 1000)],
  ["jobs spread over a month", Array.from({ length: 5000 }, (_, i) => NOW - i * 500_000)],
  ["jobs in bursts", Array.from({ length: 5000 }, (_, i) => NOW - (i % 3) * DAY - (i % 7))],
  ["all jobs of one millisecond", Array.from({ length: 2500 }, () => NOW)],
])("the pages of the oldest jobs first have every job once, with %s", async (_title, times) => {
  const { ids, store } = await storeOf(times);
  expect(await allPages(store, 100)).toEqual(keysOf(ids));
});

it("pages of the oldest jobs first agree with all jobs sorted, whatever their times", async () => {
  const burst = fc.record({
    at: fc.integer({ min: NOW - 30 * DAY, max: NOW }),
    count: fc.integer({ min: 1, max: 1500 }),
    every: fc.constantFrom(0, 1, 60_000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(burst, { maxLength: 3 }),
      fc.integer({ min: 1, max: 101 }),
      fc.nat(),
      async (bursts, limit, from) => {
        const times = bursts.flatMap(({ at, count, every }) =>
          Array.from({ length: count }, (_, i) => at + i * every),
        );
        const { ids, store } = await storeOf(times);
        const start = ids.length === 0 ? 0 : from % ids.length;
        const after = start === 0 ? undefined : ids[start - 1];
        const { keys, isTruncated } = await oldestKeys(store, tenant, { after, limit });
        expect(keys).toEqual(keysOf(ids.slice(start, start + limit)));
        expect(isTruncated).toBe(ids.length > start + limit);
      },
    ),
    { numRuns: 30 },
  );
});

it("a page of the oldest jobs first takes a bounded number of requests, however many jobs there are", async () => {
  const { ids, store, lists } = await storeOf(Array.from({ length: 20_000 }, (_, i) => NOW - i * 130_000));
  await oldestKeys(store, tenant, { limit: 21 });
  expect(lists()).toBeLessThanOrEqual(20);
  const before = lists();
  await oldestKeys(store, tenant, { after: ids[10_000], limit: 21 });
  expect(lists() - before).toBeLessThanOrEqual(12);
});
