import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { jobStore, newVideoId } from "../../lib/service/jobs/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { newJob } from "../service/jobs/sample-job.ts";
import { expectProblem } from "./problem.ts";
import { type TestApi, testApi } from "./support.ts";

interface Page {
  readonly data: readonly Video[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

let api: TestApi;

async function list(query: string): Promise<Page> {
  const answer = await api.send("GET", `/v1/videos${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}

/** Collects the ids of all pages, like OpenAI's client. */
async function all(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let after = ""; ; ) {
    const page = await list(`?${query}${after}`);
    expect([page.first_id, page.last_id]).toEqual([page.data[0]?.id ?? null, page.data.at(-1)?.id ?? null]);
    ids.push(...page.data.map(({ id }) => id));
    if (!page.has_more) return ids;
    expect(page.data).not.toEqual([]);
    after = `&after=${page.last_id}`;
  }
}

describe("a list", () => {
  /** Videos, newest first. */
  const videos: Video[] = [];
  const idsOf = (isMeant: (index: number) => boolean) =>
    videos.filter(({ metadata }) => isMeant(Number(metadata.index))).map(({ id }) => id);

  beforeAll(async () => {
    api = await testApi({ store: memoryStore() });
    for (let index = 0; index < 30; index += 1) {
      api.clock.advance(1);
      const metadata = { index: String(index), parity: index % 2 ? "odd" : "even", "a b": "ä&=" };
      videos.unshift(await api.create({ metadata }));
    }
    for (const { id } of videos.slice(0, 3)) await api.complete(id);
    for (const { id } of videos.slice(3, 5)) await api.send("POST", `/v1/videos/${id}/cancel`);
    await api.claim(videos[5]!.id);
    await api.send("DELETE", `/v1/videos/${videos[7]!.id}`);
    videos.splice(7, 1);
  });

  it("a list has twenty videos, the newest first, without deleted ones and without URLs", async () => {
    const page = await list("");
    expect(page).toMatchObject({ object: "list", has_more: true });
    expect(page.data.map(({ id }) => id)).toEqual(videos.slice(0, 20).map(({ id }) => id));
    expect(page.data[0]).toMatchObject({ status: "completed", url: null, url_expires_at: null });
  });

  it.each([1, 2, 7, 14, 29, 30, 100])(
    "all pages of a list together, %i at a time, have every video once",
    async (limit) => {
      expect(await all(`limit=${limit}`)).toEqual(videos.map(({ id }) => id));
    },
  );

  it.each([1, 7, 29, 100])("a list from the oldest on has every video once, %i at a time", async (limit) => {
    const oldestFirst = videos.map(({ id }) => id).reverse();
    expect(await all(`order=asc&limit=${limit}`)).toEqual(oldestFirst);
    expect(await all(`order=asc&limit=${limit}&metadata[parity]=odd`)).toEqual(
      idsOf((index) => index % 2 === 1).reverse(),
    );
    const [, second, third] = oldestFirst;
    expect((await list(`?order=asc&limit=1&after=${second}`)).data[0]!.id).toBe(third);
  });

  it("a list filters by metadata", async () => {
    expect(await all("limit=4&metadata[parity]=odd")).toEqual(idsOf((index) => index % 2 === 1));
    expect(await all("metadata[parity]=odd&metadata[index]=3")).toEqual(idsOf((index) => index === 3));
    expect(await all("metadata%5Ba%20b%5D=%C3%A4%26%3D&limit=9")).toHaveLength(videos.length);
    expect(await all("metadata[parity]=neither")).toEqual([]);
    expect(await all("metadata[constructor]=x")).toEqual([]);
  });

  it.each([
    ["completed", 0, 3],
    ["failed", 3, 5],
    ["in_progress", 5, 6],
    ["queued", 6, 29],
  ])("a list filters by the status %s", async (status, from, to) => {
    expect(await all(`limit=2&status=${status}`)).toEqual(videos.slice(from, to).map(({ id }) => id));
  });

  it("a filtered list equals the filter applied to all videos", async () => {
    const query = fc.record({
      limit: fc.integer({ min: 1, max: 30 }),
      parity: fc.constantFrom("odd", "even"),
      status: fc.constantFrom("queued", "completed", "failed"),
    });
    const everything = (await list("?limit=100")).data;
    await fc.assert(
      fc.asyncProperty(query, async ({ limit, parity, status }) => {
        const expected = everything.filter(
          (video) => video.status === status && video.metadata.parity === parity,
        );
        const found = await all(`limit=${limit}&metadata[parity]=${parity}&status=${status}`);
        expect(found).toEqual(expected.map(({ id }) => id));
      }),
      { numRuns: 30 },
    );
  });

  it("a list begins after a video that was deleted or never existed", async () => {
    expect((await list(`?after=video_${"0".repeat(26)}`)).data).toEqual([]);
    expect((await list(`?after=video_${"7".padEnd(26, "z")}&limit=1`)).data[0]!.id).toBe(videos[0]!.id);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["limit=1&limit=2", "limit"],
    ["after=x", "after"],
    ["after=..%2F..%2Fapi-keys", "after"],
    ["after=%00", "after"],
    ["order=up", "order"],
    ["status=cancelled", "status"],
    ["metadata[a]=1&metadata[a]=2", "metadata[a]"],
  ])("a list with %s is refused", async (query, param) => {
    await expectProblem(await api.send("GET", `/v1/videos?${query}`), "invalid_value", param);
  });

  it.each(["page", "metadata", "metadata[]", "metadata[a][b]", "__proto__", "constructor"])(
    "a list with the unknown parameter %s is refused",
    async (name) => {
      await expectProblem(await api.send("GET", `/v1/videos?${name}=1`), "unknown_parameter", name);
    },
  );
});

describe("a record whose params cannot be read", () => {
  it("a record with unreadable params hides no other video from a list", async () => {
    api = await testApi({ store: memoryStore() });
    const older = await api.create({});
    api.clock.advance(1);
    const id = newVideoId(api.clock, api.deps.random);
    // The store of the API refuses to write it; another version of the service may have done so.
    const others = jobStore({ ...api.deps, sleep: async () => undefined });
    await others.create({ ...newJob, id, params: { model: "tiny" } }, { unfinishedMax: 10 });
    api.clock.advance(1);
    const newer = await api.create({});
    expect((await list("")).data.map((video) => video.id)).toEqual([newer.id, older.id]);
  });
});
