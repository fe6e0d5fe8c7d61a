import { pino } from "pino";
import { beforeAll, describe, expect, it } from "vitest";
import { answerEvents } from "../../../functions/api/edge/answer-events.ts";
import { type JobProgress, previewKey } from "../../../lib/service/jobs/index.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import { type MemoryStore, memoryStore } from "../../service/jobs/memory-store.ts";
import { expectProblem } from "../problem.ts";
import { eventsIn, type ReadEvent } from "../stream/events.ts";
import { type TestApi, testApi } from "../support.ts";
import { DISTRIBUTION, fetchThrough } from "./viewer.ts";

let store: MemoryStore;
let api: TestApi;
let viewer: ReturnType<typeof fetchThrough>;
/** Requests to the store, by what they do. */
const asked = { get: 0, list: 0 };

beforeAll(async () => {
  store = memoryStore();
  const counted = {
    ...store,
    get: (key: string) => {
      asked.get += 1;
      return store.get(key);
    },
    list: (...given: Parameters<typeof store.list>) => {
      asked.list += 1;
      return store.list(...given);
    },
  };
  api = await testApi({ store: counted });
  const open = async () => (request: Request) => api.app.fetch(request);
  viewer = fetchThrough(answerEvents({ open, domain: null, log: pino({ level: "silent" }) }));
});

const turn = (id: string, lastId?: string | null) =>
  viewer(`https://${DISTRIBUTION}/v1/videos/${id}/stream`, {
    headers: { authorization: `Bearer ${api.ownKey}`, ...(lastId && { "last-event-id": lastId }) },
  });

async function renew(id: string, taken: string, more: Partial<JobProgress> = {}): Promise<void> {
  const computed = taken.replaceAll("r", "").length;
  const progress: JobProgress = {
    ...{ stage: "denoise", steps: 8, done: taken.length, computed, taken },
    ...{ secondsLeft: 2, preview: null, ...more },
  };
  await api.apply(id, { type: "renew", owner: "worker", attempt: 1, leaseMs: 60_000, progress });
}

describe("a stream at the edge", () => {
  it("A reader that comes again with its last id is told of everything once, in turns, until the end.", async () => {
    const { id } = await api.create();
    const got: ReadEvent[] = [];
    const retries: string[] = [];
    const take = async () => {
      const answer = await turn(id, got.at(-1)?.id);
      if (answer.status === 204) return 204;
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      expect(answer.headers.get("cache-control")).toMatch(/no-(store|cache)/);
      const text = await answer.text();
      retries.push(/^retry: (\d+)/.exec(text)![1]!);
      got.push(...eventsIn(text));
      return answer.status;
    };
    await take();
    await api.claim(id);
    await take();
    await renew(id, "cc");
    await take();
    await take();
    await store.put(previewKey({ tenant: "acme", id }, 1), Buffer.from("RIFF"));
    await renew(id, "ccrr", { preview: 4 });
    await take();
    await api.send("POST", `/v1/videos/${id}/cancel`);
    await take();
    expect(await take()).toBe(204);
    expect(got.map(({ event }) => event)).toEqual([
      "status",
      "status",
      "progress",
      "progress",
      "preview",
      "status",
    ]);
    expect(
      got.flatMap(({ data }) => (data.taken as { step: number }[] | undefined) ?? []).map(({ step }) => step),
    ).toEqual([1, 2, 3, 4]);
    expect(got[4]!.data).toEqual({
      step: 4,
      data: `data:image/webp;base64,${Buffer.from("RIFF").toString("base64")}`,
    });
    expect(got.at(-1)!.data).toMatchObject({ status: "failed", error: { code: "canceled" } });
    expect(retries.slice(0, 2)).toEqual(["5000", "2000"]);
  });

  it("A turn without news reads the record alone; one of a queued video lists the queue as well.", async () => {
    const { id } = await api.create();
    api.clock.advance(5_000);
    const [queued] = eventsIn(await (await turn(id)).text());
    api.clock.advance(2_000);
    Object.assign(asked, { get: 0, list: 0 });
    expect(eventsIn(await (await turn(id, queued!.id)).text())).toEqual([]);
    expect(asked).toEqual({ get: 1, list: 1 });
    await api.claim(id);
    await renew(id, "c");
    const events = eventsIn(await (await turn(id, queued!.id)).text());
    Object.assign(asked, { get: 0, list: 0 });
    expect(eventsIn(await (await turn(id, events.at(-1)!.id)).text())).toEqual([]);
    expect(asked).toEqual({ get: 1, list: 0 });
    await api.send("DELETE", `/v1/videos/${id}`);
    await expectProblem(await turn(id, events.at(-1)!.id), "video_not_found");
  });

  it("A preview that was deleted meanwhile is left out, and a store that fails cuts a turn short.", async () => {
    const { id } = await api.create();
    await api.claim(id);
    await renew(id, "cc", { preview: 2 });
    const events = eventsIn(await (await turn(id)).text());
    expect(events.map(({ event }) => event)).toEqual(["status", "progress"]);
    const get = store.get;
    store.get = async (key) => {
      if (key.startsWith("artifacts/")) throw new StoreError("unavailable", "The store does not answer.");
      return get(key);
    };
    const cut = await turn(id);
    store.get = get;
    expect([cut.status, eventsIn(await cut.text()).length]).toEqual([200, 2]);
  });
});
