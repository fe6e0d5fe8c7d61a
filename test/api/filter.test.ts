import { describe, expect, test } from "vitest";
import { invertVideoId } from "../../lib/service/jobs/ids.ts";
import { newVideoId } from "../../lib/service/jobs/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { testApi } from "./support.ts";

const COUNT = 1300;
/** Places of videos that match, from the newest; the last is further away than one request looks. */
const RARE = [0, 1, 620, 1290];

const plain = memoryStore();
let reads = 0;
const store = {
  ...plain,
  async get(key: string) {
    if (key.startsWith("jobs/")) reads += 1;
    return plain.get(key);
  },
};
const api = await testApi({ store });

const sample = (await api.deps.jobs.read({ tenant: "acme", id: (await api.create()).id }))!;

/** Ids of all videos but that one, the newest first. */
const ids: string[] = [];
for (let place = COUNT - 1; place >= 0; place -= 1) {
  api.clock.advance(1);
  const now = api.clock.now();
  const id = newVideoId(api.clock, api.deps.random);
  ids.unshift(id);
  await api.deps.jobs.create(
    {
      id,
      tenant: "acme",
      keyId: `k${place % 10}`,
      createdAt: now,
      deadlineAt: now + 3_600_000,
      expiresAt: now + 86_400_000,
      params: sample.params,
      metadata: RARE.includes(place) ? { kind: "rare" } : {},
      remixedFrom: null,
      webhook: null,
    },
    { unfinishedMax: 1000 },
  );
}

/** Reads a filtered list as its description says, and returns the ids and what kinds of answers there were. */
async function walk(query: string) {
  const found: string[] = [];
  const answers: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    reads = 0;
    const answer = await api.send("GET", `/v1/videos?${query}${after && `&after=${after}`}`);
    expect(reads).toBeLessThanOrEqual(500);
    if (answer.status === 200) {
      const page = (await answer.json()) as { data: { id: string }[]; last_id: string; has_more: boolean };
      answers.push("page");
      found.push(...page.data.map(({ id }) => id));
      after = page.has_more ? page.last_id : undefined;
    } else {
      answers.push("unfinished");
      after = (await expectProblem(answer, "filter_unfinished", "after")).error.after;
    }
  }
  return { found, answers };
}

describe("a filter that few videos match", () => {
  test.each([1, 2, 20])(
    "a filter looks at 500 videos a request and finds all matches, %i a page",
    async (limit) => {
      const { found } = await walk(`metadata[kind]=rare&limit=${limit}`);
      expect(found).toEqual(RARE.map((place) => ids[place]));
    },
  );

  test("a filter without a match says where to continue until the list ends", async () => {
    const { found, answers } = await walk("metadata[kind]=none");
    expect(found).toEqual([]);
    expect(answers).toEqual(["unfinished", "unfinished", "page"]);
  });

  test("a filter's last page says so, though it is full, where one request can see the end of the list", async () => {
    const query = `metadata[kind]=rare&limit=1&after=${ids[890]}`;
    const page = await (await api.send("GET", `/v1/videos?${query}`)).json();
    expect(page).toMatchObject({ data: [{ id: ids[1290] }], has_more: false });
  });

  test("a filter goes on behind a whole stretch of damaged records", async () => {
    const damaged = ids.slice(700, 900);
    for (const id of damaged) await plain.put(`jobs/acme/${invertVideoId(id)}.json`, Buffer.from("{}"));
    const { found } = await walk("metadata[kind]=rare");
    expect(found).toEqual(RARE.map((place) => ids[place]));
  });
});
