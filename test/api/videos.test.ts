import { Webhook } from "standardwebhooks";
import { beforeAll, describe, expect, it } from "vitest";
import type { Video, VideoEvents } from "../../functions/api/schemas/video.ts";
import { jobKey } from "../../lib/service/jobs/object-keys.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { type TestApi, testApi } from "./support.ts";

const HOUR_MS = 3_600_000;
const RETENTION_MS = 7 * 24 * HOUR_MS;
const HOOK = "https://hooks.example.com/video";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});

async function completed(fields: object = {}): Promise<string> {
  const { id } = await api.create(fields);
  await api.complete(id);
  return id;
}

async function post(path: string, json?: object): Promise<Response> {
  return api.send("POST", `/v1/videos/${path}`, json && { json });
}

async function videoOf(answer: Response): Promise<Video> {
  expect(answer.status).toBe(200);
  return (await answer.json()) as Video;
}

async function eventsOf(id: string): Promise<VideoEvents> {
  return (await (await api.send("GET", `/v1/videos/${id}/events`)).json()) as VideoEvents;
}

describe("progress", () => {
  it("progress counts denoising steps, grows, and is 100 only once the video can be read", async () => {
    const { id } = await api.create();
    const { attempt } = await api.claim(id);
    const seen = [(await api.get(id)).progress];
    for (const [stage, done] of [
      ["load", 0],
      ["denoise", 1],
      ["denoise", 29],
      ["denoise", 30],
      ["decode", 30],
      ["write", 30],
    ] as const) {
      const progress = {
        ...{ stage, steps: 30, done, computed: done, taken: "c".repeat(done) },
        ...{ secondsLeft: 30 - done, preview: null },
      };
      await api.apply(id, { type: "renew", owner: "worker", attempt, leaseMs: 60_000, progress });
      const video = await api.get(id);
      expect(video).toMatchObject({ status: "in_progress", stage, steps_done: done, url: null });
      seen.push(video.progress);
    }
    expect(seen).toEqual([0, 0, 3, 87, 90, 92, 97]);
  });

  it("an unfinished video asks clients to poll again in a second", async () => {
    const { id } = await api.create();
    const poll = async () => (await api.send("GET", `/v1/videos/${id}`)).headers.get("openai-poll-after-ms");
    expect(await poll()).toBe("1000");
    await api.complete(id);
    expect(await poll()).toBeNull();
  });
});

describe("a completed video", () => {
  it("a completed video has URLs for an hour, its receipt, and its expiry", async () => {
    const id = await completed({ compare: true });
    const now = api.clock.now();
    const video = await api.get(id);
    expect(video).toMatchObject({
      status: "completed",
      progress: 100,
      completed_at: now / 1000,
      expires_at: (now + RETENTION_MS) / 1000,
      url_expires_at: (now + HOUR_MS) / 1000,
      compute: { steps: { requested: 8, computed: 4, reused: 4 }, attempt: 1, unknown_words: ["dog"] },
      stage: null,
      error: null,
      attempts: 1,
    });
    for (const url of [video.url, video.thumbnail_url, video.uncached_url]) {
      const { pathname, searchParams } = new URL(url!);
      const key = pathname.replace("/files/", "");
      expect(api.signer.verify(key, searchParams)).toMatchObject({ ok: true });
      expect(await api.deps.store.get(key)).not.toBeNull();
    }
  });

  it("the URLs of a completed video expire with it at the latest", async () => {
    const id = await completed();
    api.clock.advance(RETENTION_MS - 1500);
    const { url_expires_at: until } = await api.get(id);
    expect(until).toBe(Math.floor(api.clock.now() / 1000) + 1);
    api.clock.advance(1500);
    expect(await api.get(id)).toMatchObject({ status: "completed", url: null, url_expires_at: null });
    await expectProblem(await api.send("GET", `/v1/videos/${id}/content`), "video_expired");
  });
});

it("a failed video says why, with an error code that OpenAI's clients know", async () => {
  const { id } = await api.create();
  const { attempt } = await api.claim(id);
  const error = { code: "internal_error", message: "The model failed." } as const;
  await api.apply(id, { type: "fail", owner: "worker", attempt, error, isRetryable: false });
  expect(await api.get(id)).toMatchObject({ status: "failed", error, completed_at: null, expires_at: null });
});

describe("Prefer: wait", () => {
  const waiting = (id: string, prefer: string) =>
    api.send("GET", `/v1/videos/${id}`, { headers: { prefer } });

  it("Prefer: wait answers as soon as the video has ended", async () => {
    const { id } = await api.create();
    const answer = waiting(id, "wait=20");
    await api.complete(id);
    expect((await answer).headers.get("preference-applied")).toBe("wait=20");
    expect(await videoOf(await answer)).toMatchObject({ status: "completed" });
  });

  it("Prefer: wait looks at the video again when it is told of a change", async () => {
    const told: string[] = [];
    const service = await testApi({
      async nextChange({ id }) {
        told.push(id);
        // Without the change, the wait would last for 20 seconds.
        await service.complete(id);
      },
    });
    const { id } = await service.create();
    const answer = await service.send("GET", `/v1/videos/${id}`, { headers: { prefer: "wait=20" } });
    expect(await videoOf(answer)).toMatchObject({ status: "completed" });
    expect(told).toEqual([id]);
  });

  it("Prefer: wait works on creation too", async () => {
    const json = { prompt: "a" };
    const before = api.hinted.work.length;
    const answer = api.send("POST", "/v1/videos", { json, headers: { prefer: "respond-async, wait=25" } });
    while (api.hinted.work.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
    await api.complete(api.hinted.work.at(-1)!);
    expect(await videoOf(await answer)).toMatchObject({ status: "completed" });
  });

  it("Prefer: wait answers with the unfinished video once the time is over", async () => {
    const { id } = await api.create();
    expect(await videoOf(await waiting(id, "wait=0"))).toMatchObject({ status: "queued" });
  });

  it.each([
    ["wait", "wait=25"],
    ["WAIT=5", "wait=5"],
    ["wait=100000000000000000000", "wait=25"],
    ["handling=lenient; wait=3", "wait=3"],
  ])("Prefer: %s is granted as %s", async (prefer, applied) => {
    const { id } = await api.create();
    const answer = waiting(id, prefer);
    await api.complete(id);
    expect((await answer).headers.get("preference-applied")).toBe(applied);
  });

  it.each(["", "wait=-1", "wait=1.5", "wait=x", "await=3", "waiting"])(
    "Prefer: %j is ignored",
    async (prefer) => {
      const { id } = await api.create();
      expect((await waiting(id, prefer)).headers.get("preference-applied")).toBeNull();
    },
  );
});

describe("a cancel", () => {
  it("a cancel ends a queued or running video, once", async () => {
    for (const begin of [async () => undefined, api.claim]) {
      const { id } = await api.create();
      await begin(id);
      const video = await videoOf(await post(`${id}/cancel`));
      const error = { code: "canceled", message: "The job was canceled." };
      expect(video).toMatchObject({ status: "failed", error, completed_at: null });
      expect(api.hinted.webhooks).toContain(id);
      expect(await videoOf(await post(`${id}/cancel`))).toEqual(video);
    }
  });

  it("a cancel leaves a finished video unchanged", async () => {
    const id = await completed();
    expect(await videoOf(await post(`${id}/cancel`))).toMatchObject({ status: "completed", error: null });
  });
});

describe("a delete", () => {
  it("a delete removes the outputs and all that was said of them", async () => {
    const id = await completed({ prompt: "a secret", negative_prompt: "a fear" });
    const [{ url }, record] = [await api.get(id), await api.deps.jobs.read({ tenant: "acme", id })];
    const answer = await api.send("DELETE", `/v1/videos/${id}`);
    expect(await answer.json()).toEqual({ id, object: "video.deleted", deleted: true });
    expect(await api.deps.store.get(record!.outputs!.video.key)).toBeNull();
    expect(JSON.stringify(await api.deps.jobs.read({ tenant: "acme", id }))).not.toMatch(/secret|fear/);
    expect(url).not.toBeNull();
    for (const [method, rest] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/content"],
      ["GET", "/events"],
      ["POST", "/cancel"],
    ] as const) {
      await expectProblem(await api.send(method, `/v1/videos/${id}${rest}`), "video_not_found");
    }
  });

  it("a delete cancels first, so that no worker goes on", async () => {
    const { id } = await api.create();
    const { attempt } = await api.claim(id);
    await api.send("DELETE", `/v1/videos/${id}`);
    const renew = { type: "renew", owner: "worker", attempt, leaseMs: 1, progress: null } as const;
    const refused = await api.deps.jobs.apply({ tenant: "acme", id }, renew);
    expect(refused).toMatchObject({ ok: false, reason: "finished" });
  });
});

describe("a video whose record is damaged", () => {
  async function damaged(): Promise<string> {
    const { id } = await api.create();
    await api.complete(id);
    await api.deps.store.put(jobKey({ tenant: "acme", id }), new TextEncoder().encode('{"writes":["a"]}'));
    return id;
  }

  it("a damaged video is told as such, and is not tried again by clients", async () => {
    const id = await damaged();
    for (const path of ["", "/content", "/events"]) {
      const answer = await api.send("GET", `/v1/videos/${id}${path}`);
      expect(answer.headers.get("x-should-retry")).toBe("false");
      await expectProblem(answer, "record_damaged");
    }
  });

  it("a damaged video is deleted by its owner alone, with its files", async () => {
    const id = await damaged();
    const stranger = await api.send("DELETE", `/v1/videos/${id}`, { key: api.otherKey });
    await expectProblem(stranger, "video_not_found");
    const files = async () => (await api.deps.store.list(`artifacts/acme/${id}/`)).keys.length;
    expect(await files()).toBe(2);
    const answer = await api.send("DELETE", `/v1/videos/${id}`);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { id, object: "video.deleted", deleted: true },
    ]);
    expect(await files()).toBe(0);
    await expectProblem(await api.send("GET", `/v1/videos/${id}`), "video_not_found");
  });
});

describe("a delete on a full disk", () => {
  /** Opens an API on a disk that has room for a record only while no more than this many objects are there. */
  async function full(objectsMax: number) {
    const memory = memoryStore();
    let isFull = false;
    const store = intercepted(memory, (name, _key, operation) => {
      if (isFull && name === "put" && memory.objects.size > objectsMax)
        return Promise.reject(new StoreError("full", "The disk is full."));
      return operation();
    });
    const own = await testApi({ store });
    const { id } = await own.create();
    await own.complete(id);
    const sizes = { completed: memory.objects.size };
    return {
      id,
      sizes,
      api: own,
      memory,
      fill: (on: boolean) => {
        isFull = on;
      },
    };
  }

  it("a delete on a full disk gives the outputs' space to the record", async () => {
    const { api: own, id, memory, fill, sizes } = await full(4);
    expect(sizes.completed).toBeGreaterThan(4);
    fill(true);
    expect((await own.send("DELETE", `/v1/videos/${id}`)).status).toBe(200);
    expect([...memory.objects.keys()].filter((key) => key.startsWith("artifacts/"))).toEqual([]);
    await expectProblem(await own.send("GET", `/v1/videos/${id}`), "video_not_found");
  });

  it("a delete whose record still does not fit has freed the outputs, says so, and can be repeated", async () => {
    const { api: own, id, memory, fill } = await full(0);
    fill(true);
    await expectProblem(await own.send("DELETE", `/v1/videos/${id}`), "storage_unavailable");
    expect([...memory.objects.keys()].filter((key) => key.startsWith("artifacts/"))).toEqual([]);
    const { detail } = await expectProblem(
      await own.send("GET", `/v1/videos/${id}/content`),
      "video_expired",
    );
    expect(detail).toBe("The outputs of this video were deleted.");
    fill(false);
    expect((await own.send("DELETE", `/v1/videos/${id}`)).status).toBe(200);
    await expectProblem(await own.send("GET", `/v1/videos/${id}`), "video_not_found");
  });
});

describe("content", () => {
  const content = (id: string, query = "") => api.send("GET", `/v1/videos/${id}/content${query}`);

  it.each([
    ["", "video.mp4", "video/mp4"],
    ["?variant=video", "video.mp4", "video/mp4"],
    ["?variant=thumbnail", "thumbnail.webp", "image/webp"],
    ["?variant=uncached", "uncached.mp4", "video/mp4"],
  ])("GET content%s redirects to %s", async (query, name, contentType) => {
    const id = await completed({ compare: true });
    const answer = await content(id, query);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([302, "no-store"]);
    const url = new URL(answer.headers.get("location")!);
    expect(url.pathname).toBe(`/files/artifacts/acme/${id}/1/${name}`);
    expect(url.searchParams.get("type")).toBe(contentType);
  });

  it("a request for content that does not exist for this video is refused", async () => {
    const id = await completed();
    await expectProblem(await content(id, "?variant=uncached"), "unsupported_variant", "variant");
    await expectProblem(await content(id, "?variant=spritesheet"), "unsupported_variant", "variant");
    await expectProblem(await content(id, "?variant=video&variant=video"), "invalid_value", "variant");
    await expectProblem(await content(id, "?size=2"), "unknown_parameter", "size");
  });

  it("a request for content before the end is refused, and clients are told not to retry at once", async () => {
    const { id } = await api.create();
    const early = await content(id);
    expect(early.headers.get("x-should-retry")).toBe("false");
    expect((await expectProblem(early, "video_not_ready")).detail).toBe(
      "This video has no outputs yet: ask again once its status is completed.",
    );
    await post(`${id}/cancel`);
    const late = await content(id);
    expect(late.headers.get("x-should-retry")).toBe("false");
    expect((await expectProblem(late, "video_failed")).detail).toBe(
      "This video was cancelled, so it has no outputs.",
    );
  });

  it("a request for content of a failed video says why it failed", async () => {
    const { id } = await api.create();
    const { attempt } = await api.claim(id);
    const error = { code: "out_of_memory", message: "The video does not fit into the memory." } as const;
    await api.apply(id, { type: "fail", owner: "worker", attempt, error, isRetryable: false });
    expect((await expectProblem(await content(id), "video_failed")).detail).toBe(
      "This video failed, so it has no outputs: The video does not fit into the memory.",
    );
  });

  it("content without a redirect is the signed URL and its end", async () => {
    const { id } = await api.create();
    await api.complete(id);
    const answer = await content(id, "?redirect=false");
    const redirected = await content(id, "?redirect=true");
    expect([answer.status, redirected.status]).toEqual([200, 302]);
    expect(await answer.json()).toEqual({
      object: "video.content",
      url: redirected.headers.get("location"),
      url_expires_at: Math.floor(api.clock.now() / 1000) + 3600,
    });
    await expectProblem(await content(id, "?redirect=no"), "invalid_value", "redirect");
  });
});

describe("a remix", () => {
  it("a remix has the settings, the seed and the metadata of its parent, and its own prompt", async () => {
    const fields = { seed: 7, steps: 12, cache: "slow", compare: true, metadata: { a: "1" }, timeout: 99 };
    const parent = await api.create({ ...fields, webhook_url: HOOK });
    const video = await videoOf(await post(`${parent.id}/remix`, { prompt: "a blue square" }));
    expect(video).toEqual({
      ...parent,
      id: video.id,
      created_at: video.created_at,
      queue_position: video.queue_position,
      quote: { ...parent.quote, ahead: video.quote!.ahead },
      prompt: "a blue square",
      remixed_from_video_id: parent.id,
    });
  });

  it("a remix may have another seed, metadata and webhook", async () => {
    const { id } = await api.create({ seed: 7, metadata: { a: "1" } });
    const own = { seed: 8, metadata: {}, webhook_url: HOOK, webhook_events: ["video.completed"] };
    const video = await videoOf(await post(`${id}/remix`, { prompt: "b", ...own }));
    expect(video.metadata).toEqual({});
    expect(video.params).toMatchObject({ seed: 8, webhook_url: HOOK, webhook_events: ["video.completed"] });
  });

  it("a remix takes no other field", async () => {
    const { id } = await api.create();
    await expectProblem(await post(`${id}/remix`, { prompt: "a", steps: 3 }), "unknown_parameter", "steps");
    await expectProblem(await post(`${id}/remix`), "invalid_value", "prompt");
    const hook = { prompt: "a", webhook_url: "https://localhost" };
    await expectProblem(await post(`${id}/remix`, hook), "invalid_webhook_url", "webhook_url");
  });
});

describe("the events of a video", () => {
  it("the events of a video tell its life and who was notified", async () => {
    const { id } = await api.create({ webhook_url: HOOK });
    expect((await eventsOf(id)).webhooks).toEqual([
      {
        id: `evt_${id.slice(6)}_queued`,
        type: "video.queued",
        created_at: api.clock.now() / 1000,
        deliveries: null,
      },
    ]);
    await api.complete(id);
    await api.deliver(id);
    const at = api.clock.now() / 1000;
    const events = await eventsOf(id);
    expect(events).toMatchObject({ object: "video.events", video_id: id });
    expect(events.lifecycle).toEqual([
      { type: "created", at, attempt: 0 },
      { type: "claimed", at, attempt: 1 },
      { type: "completed", at, attempt: 1 },
    ]);
    expect(events.webhooks.map(({ type, deliveries }) => [type, deliveries])).toEqual([
      ["video.queued", []],
      ["video.in_progress", []],
      [
        "video.completed",
        [
          {
            target: "request",
            url: HOOK,
            state: "delivered",
            next_attempt_at: null,
            attempts: [{ at, status: 204, reason: null, milliseconds: 1 }],
          },
        ],
      ],
    ]);
  });

  it("an event is redelivered on demand, with the same id and bytes and a fresh signature", async () => {
    const id = await completed({ webhook_url: HOOK, webhook_events: ["video.queued", "video.completed"] });
    await api.deliver(id);
    const first = api.posts.slice(-2);
    api.clock.advance(HOUR_MS);
    const again = (await (await post(`${id}/webhooks/redeliver`)).json()) as VideoEvents;
    expect(again.webhooks.flatMap(({ deliveries }) => (deliveries ?? []).map(({ state }) => state))).toEqual([
      "pending",
      "pending",
    ]);
    expect(api.hinted.webhooks.at(-1)).toBe(id);
    await api.deliver(id);
    const second = api.posts.slice(-2);
    expect(second.map(({ body }) => body)).toEqual(first.map(({ body }) => body));
    const secret = (await (await api.send("GET", "/v1/webhook_secret")).json()) as { signing_secret: string };
    for (const [index, { headers, body }] of second.entries()) {
      expect(headers["webhook-id"]).toBe(first[index]!.headers["webhook-id"]);
      expect(headers["webhook-signature"]).not.toBe(first[index]!.headers["webhook-signature"]);
      const timestamp = new Date(Number(headers["webhook-timestamp"]) * 1000);
      const signature = new Webhook(secret.signing_secret).sign(headers["webhook-id"]!, timestamp, body);
      expect(headers["webhook-signature"]).toBe(signature);
    }
  });

  it("events are redelivered one by one, and an unknown event id is refused", async () => {
    const id = await completed({ webhook_url: HOOK, webhook_events: ["video.queued", "video.completed"] });
    await api.deliver(id);
    const before = api.posts.length;
    await post(`${id}/webhooks/redeliver`, { event_id: `evt_${id.slice(6)}_completed` });
    await api.deliver(id);
    const sent = api.posts.slice(before).map(({ body }) => (JSON.parse(body) as { type: string }).type);
    expect(sent).toEqual(["video.completed"]);
    const unknown = await post(`${id}/webhooks/redeliver`, { event_id: "evt_nothing" });
    await expectProblem(unknown, "not_found", "event_id");
  });
});

describe("limits", () => {
  it("a key has no more unfinished videos than its limit, until one ends", async () => {
    const limited = await testApi({ store: memoryStore(), limits: { ...api.deps.limits, unfinishedMax: 2 } });
    const [{ id }] = [await limited.create(), await limited.create()];
    const refused = await limited.send("POST", "/v1/videos", { json: { prompt: "a" } });
    expect(refused.headers.get("retry-after")).toBe("5");
    await expectProblem(refused, "queue_full");
    await limited.create({}, { key: limited.otherKey });
    await limited.send("POST", `/v1/videos/${id}/cancel`);
    await limited.create();
  });

  it("a video has at most its limit of pixel steps, twice as many when it is compared", async () => {
    const pixelStepsMax = 64 * 64 * 16 * 30;
    const limited = await testApi({ store: memoryStore(), limits: { ...api.deps.limits, pixelStepsMax } });
    await limited.create({ steps: 30 });
    await limited.create({ steps: 15, compare: true });
    for (const fields of [{ steps: 31 }, { steps: 16, compare: true }]) {
      const refused = await limited.send("POST", "/v1/videos", { json: { prompt: "a", ...fields } });
      const { detail } = await expectProblem(refused, "invalid_value", "size");
      expect(detail).toMatch(/this deployment allows 1966080\.$/);
    }
  });

  it("a prompt has no more characters than its limit, counted after normalisation", async () => {
    const limited = await testApi({ limits: { ...api.deps.limits, promptCharactersMax: 10 } });
    await limited.create({ prompt: "  1234567890  " });
    await limited.create({ prompt: "e\u0301".repeat(10) });
    for (const prompt of ["12345678901", "é1234567890"]) {
      const refused = await limited.send("POST", "/v1/videos", { json: { prompt } });
      await expectProblem(refused, "invalid_value", "prompt");
    }
  });
});
