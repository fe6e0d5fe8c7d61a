import { beforeAll, describe, expect, it } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { formOf } from "./form.ts";
import { expectProblem } from "./problem.ts";
import { type SendOptions, type TestApi, testApi } from "./support.ts";

const HOUR_MS = 3_600_000;

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});

async function post(headers: Record<string, string>, fields: object = {}, options: SendOptions = {}) {
  const json = { prompt: "a red circle", ...fields };
  const answer = await api.send("POST", "/v1/videos", { json, ...options, headers });
  expect(answer.status).toBe(200);
  return {
    video: (await answer.json()) as Video,
    isReplay: answer.headers.get("idempotent-replayed") === "true",
  };
}

async function countJobs(): Promise<number> {
  const { records } = await api.deps.jobs.list("acme", { limit: 1000 });
  return records.length;
}

describe("an idempotency key", () => {
  const keyed = (key: string) => ({ "idempotency-key": key });

  it("an idempotency key makes one job of a request that comes twice, and the worker is told once", async () => {
    const first = await post(keyed("twice"));
    const second = await post(keyed("twice"));
    expect([first.isReplay, second.isReplay]).toEqual([false, true]);
    expect(second.video).toEqual(first.video);
    expect(api.hinted.work.filter((id) => id === first.video.id)).toHaveLength(1);
  });

  it("an idempotency key recognises its request in another order, with defaults, and as a form", async () => {
    const first = await post(keyed("order"), { seed: 1, cache: { policy: "off", warmup_steps: 1 } });
    const json = {
      cache: { warmup_steps: 1, policy: "off" },
      timeout: 3600,
      seed: 1,
      prompt: "a red circle",
    };
    const reordered = await post(keyed("order"), {}, { json });
    const { video } = await post(keyed("order"), {}, { json: undefined, form: formOf(json) });
    expect([reordered.video.id, video.id]).toEqual([first.video.id, first.video.id]);
  });

  it("a repetition shows the job's current state", async () => {
    const { video } = await post(keyed("later"));
    await api.complete(video.id);
    expect((await post(keyed("later"))).video).toMatchObject({ id: video.id, status: "completed" });
  });

  it("an idempotency key whose video was deleted is answered with that, and makes no other", async () => {
    const { video } = await post(keyed("deleted"));
    await api.send("DELETE", `/v1/videos/${video.id}`);
    const before = await countJobs();
    const json = { prompt: "a red circle" };
    const answer = await api.send("POST", "/v1/videos", { json, headers: keyed("deleted") });
    const { detail } = await expectProblem(answer, "video_expired");
    expect(detail).toBe("The video of this idempotency key was deleted: choose a new key to make it again.");
    expect(await countJobs()).toBe(before);
  });

  it("an idempotency key that was used for another request is refused, and nothing is made", async () => {
    await post(keyed("other"));
    const before = await countJobs();
    const json = { prompt: "another" };
    const answer = await api.send("POST", "/v1/videos", { json, headers: keyed("other") });
    await expectProblem(answer, "idempotency_key_reused");
    expect(await countJobs()).toBe(before);
  });

  it("a refused request does not use up its idempotency key", async () => {
    const json = { prompt: "a red circle", size: "1x1" };
    const answer = await api.send("POST", "/v1/videos", { json, headers: keyed("refused") });
    await expectProblem(answer, "invalid_value", "size");
    expect((await post(keyed("refused"))).isReplay).toBe(false);
  });

  it("an idempotency key belongs to one route: a remix with it is another job", async () => {
    const { video } = await post(keyed("route"));
    const path = `/v1/videos/${video.id}/remix`;
    const remix = async () => {
      const answer = await api.send("POST", path, { json: { prompt: "blue" }, headers: keyed("route") });
      return { ...((await answer.json()) as Video), replayed: answer.headers.get("idempotent-replayed") };
    };
    const [first, second] = [await remix(), await remix()];
    expect(first.id).not.toBe(video.id);
    expect(second).toEqual({ ...first, replayed: "true" });
  });

  it("an idempotency key is forgotten after 24 hours", async () => {
    const { video } = await post(keyed("day"));
    api.clock.advance(24 * HOUR_MS - 1);
    expect((await post(keyed("day"))).video.id).toBe(video.id);
    api.clock.advance(1);
    const next = await post(keyed("day"));
    expect([next.isReplay, next.video.id === video.id]).toEqual([false, false]);
  });

  it("an idempotency key makes no second video after the first one expired", async () => {
    const brief = await testApi({ store: memoryStore(), retentionMs: HOUR_MS });
    const { id } = await brief.create({}, { headers: keyed("brief") });
    await brief.send("POST", `/v1/videos/${id}/cancel`);
    brief.clock.advance(HOUR_MS);
    expect(await brief.deps.jobs.purge("acme", brief.clock.now())).toBe(1);
    const json = { prompt: "a red circle" };
    const late = await brief.send("POST", "/v1/videos", { json, headers: keyed("brief") });
    await expectProblem(late, "video_expired");
  });

  it.each(["", "x".repeat(256), "\u00e4"])("%j is not a valid idempotency key", async (key) => {
    const json = { prompt: "a" };
    const answer = await api.send("POST", "/v1/videos", { json, headers: keyed(key) });
    await expectProblem(answer, "invalid_value", "Idempotency-Key");
  });

  it.each([
    [1000, "memory", memoryStore],
    [200, "a folder", undefined],
  ])("an idempotency key makes one job of %i concurrent requests, in %s", async (count, _where, store) => {
    api = await testApi(store && { store: store() });
    const posts = Array.from({ length: count }, () => post(keyed("crowd")));
    const ids = new Set((await Promise.all(posts)).map(({ video }) => video.id));
    expect([ids.size, await countJobs()]).toEqual([1, 1]);
  });
});

describe("a retry of an OpenAI client without an idempotency key", () => {
  const repeated = (count: number) => ({ "x-stainless-retry-count": String(count) });

  it("a retry of an OpenAI client gets the job of its first try", async () => {
    const first = await post(repeated(0), { seed: 1 });
    const again = await post(repeated(1), { seed: 1 });
    expect([again.video.id, again.isReplay]).toEqual([first.video.id, true]);
    expect((await post(repeated(2), { seed: 1 })).video.id).toBe(first.video.id);
  });

  it("two first tries get two jobs, and a retry of the second gets the second job", async () => {
    const [first, second] = [await post(repeated(0), { seed: 2 }), await post(repeated(0), { seed: 2 })];
    expect(second.video.id).not.toBe(first.video.id);
    expect((await post(repeated(1), { seed: 2 })).video.id).toBe(second.video.id);
  });

  it("a retry gets a job of its own if the first try never came, or was another request", async () => {
    const lost = await post(repeated(1), { seed: 3 });
    expect(lost.isReplay).toBe(false);
    const other = await post(repeated(1), { seed: 4 });
    expect([other.isReplay, other.video.id === lost.video.id]).toEqual([false, false]);
  });

  it("a retry is treated as a new request after two minutes", async () => {
    const first = await post(repeated(0), { seed: 5 });
    api.clock.advance(120_000);
    expect((await post(repeated(1), { seed: 5 })).video.id).not.toBe(first.video.id);
  });
});

it("two equal requests without idempotency key and retry header make two jobs", async () => {
  expect((await post({})).video.id).not.toBe((await post({})).video.id);
});
