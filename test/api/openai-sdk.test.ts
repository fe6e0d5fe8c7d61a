import OpenAI7 from "openai";
import OpenAI6_3 from "openai-6-3";
import OpenAI6_49 from "openai-6-49";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type TestApi, testApi } from "./support.ts";

/** Client of any version: the three versions have the same methods and send different requests. */
type Sdk = typeof OpenAI7;
const SDKS: readonly [version: string, sdk: Sdk][] = [
  ["7.57.0", OpenAI7],
  ["6.49.0", OpenAI6_49 as unknown as Sdk],
  ["6.3.0", OpenAI6_3 as unknown as Sdk],
];

interface Call {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | null;
}

interface Transport {
  readonly key?: string;
  /** Called with the answer to each request of the API; a rejection is a broken connection. */
  readonly onAnswer?: (answer: Response, call: number) => Promise<void>;
}

/** Returns a client that calls the app without a network, and a list of its requests. */
function connect(OpenAI: Sdk, api: TestApi, { key = api.ownKey, onAnswer }: Transport = {}) {
  const calls: Call[] = [];
  const transport = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    // The client uses a data: URL to test whether fetch supports forms.
    if (url.protocol === "data:") return fetch(url, init);
    if (url.pathname.startsWith("/files/")) return file(url, init);
    const request = new Request(url, init);
    calls.push({
      method: request.method,
      path: url.pathname,
      contentType: request.headers.get("content-type"),
    });
    const answer = await api.app.request(request);
    await onAnswer?.(answer, calls.length);
    // Shortens the waiting time between retries.
    if (answer.headers.has("retry-after")) answer.headers.set("retry-after-ms", "1");
    const location = answer.headers.get("location");
    return answer.status === 302 ? transport(location!, withoutKey(init)) : answer;
  };
  const file = async (url: URL, init: RequestInit): Promise<Response> => {
    expect(new Headers(init.headers).has("authorization")).toBe(false);
    const path = decodeURIComponent(url.pathname.slice("/files/".length));
    const checked = api.signer.verify(path, url.searchParams);
    const object = checked.ok && (await api.deps.store.get(path));
    return object ? new Response(Buffer.from(object.body)) : new Response(null, { status: 403 });
  };
  const client = new OpenAI({ apiKey: key, baseURL: "https://api.test/v1", fetch: transport });
  return { client, calls };
}

/** Removes the API key, as fetch does on a redirect to another origin. */
function withoutKey(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers);
  headers.delete("authorization");
  return { ...init, headers };
}

/** Returns the error of a call. */
async function refusal(call: PromiseLike<unknown>) {
  const error = await Promise.resolve(call).then(
    () => expect.unreachable(),
    (cause: unknown) => cause,
  );
  return error as InstanceType<Sdk["APIError"]>;
}

const prompt = "a red circle";

afterEach(() => {
  vi.useRealTimers();
});

describe.each(SDKS)("the openai client %s", (version, OpenAI) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await testApi();
  });

  it("an OpenAI client creates, retrieves, lists, remixes and deletes videos", async () => {
    const { client, calls } = connect(OpenAI, api);
    const own = { seed: 7, cache: { policy: "slow", warmup_steps: 2 }, metadata: { order: "42" } };
    const video = await client.videos.create({ prompt, seconds: "2" as "4", ...own });
    expect(calls[0]!.contentType).toMatch(
      version === "6.3.0" ? /^application\/json/ : /^multipart\/form-data;/,
    );
    expect(video).toMatchObject({
      object: "video",
      status: "queued",
      prompt,
      seconds: "2",
      metadata: { order: "42" },
    });
    expect(video).toMatchObject({ params: { seed: 7, cache: { policy: "slow", warmup_steps: 2 } } });
    expect(await client.videos.retrieve(video.id)).toEqual({ ...video, _request_id: undefined });
    const remix = await client.videos.remix(video.id, { prompt: "a blue square" });
    expect(remix).toMatchObject({ remixed_from_video_id: video.id, prompt: "a blue square" });
    expect(await client.videos.delete(video.id)).toEqual({
      id: video.id,
      deleted: true,
      object: "video.deleted",
    });
  });

  it("an OpenAI client turns all pages of a list", async () => {
    const { client, calls } = connect(OpenAI, await testApi());
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push((await client.videos.create({ prompt })).id);
    const before = calls.length;
    const found: string[] = [];
    for await (const video of client.videos.list({ limit: 2, order: "desc" })) found.push(video.id);
    expect(found.sort()).toEqual(ids.sort());
    expect(calls.length - before).toBe(3);
  });

  it("an OpenAI client downloads content from the URL it is redirected to, without its key", async () => {
    const { client } = connect(OpenAI, api);
    const { id } = await client.videos.create({ prompt });
    await api.complete(id);
    expect(await (await client.videos.downloadContent(id)).text()).toBe(`video.mp4 of ${id}`);
    const thumbnail = await client.videos.downloadContent(id, { variant: "thumbnail" });
    expect(await thumbnail.text()).toBe(`thumbnail.webp of ${id}`);
  });

  it("an OpenAI client lists the models", async () => {
    const names: string[] = [];
    for await (const { id } of connect(OpenAI, api).client.models.list()) names.push(id);
    expect(names).toEqual(["demo"]);
  });

  it("an OpenAI client throws its own errors, with code, parameter and request id", async () => {
    const { client } = connect(OpenAI, api);
    const reused = { headers: { "Idempotency-Key": `reused by ${version}` } };
    await client.videos.create({ prompt }, reused);
    const table: [() => PromiseLike<unknown>, { prototype: Error }, object][] = [
      [() => client.videos.retrieve("a/b?c"), OpenAI.NotFoundError, { code: "video_not_found", param: null }],
      [
        () => client.videos.create({ prompt, ...{ loras: 1 } }),
        OpenAI.BadRequestError,
        { code: "unknown_parameter", param: "loras" },
      ],
      [
        () => client.videos.create({ prompt: "another" }, reused),
        OpenAI.UnprocessableEntityError,
        { code: "idempotency_key_reused" },
      ],
      [
        () => connect(OpenAI, api, { key: "adr_wrong" }).client.videos.list(),
        OpenAI.AuthenticationError,
        { code: "invalid_api_key" },
      ],
    ];
    for (const [call, errorClass, members] of table) {
      const error = await refusal(call());
      expect(Object.getPrototypeOf(error)).toBe(errorClass.prototype);
      expect(error).toMatchObject({ type: "invalid_request_error", ...members });
      expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it("an OpenAI client does not repeat requests that cannot succeed", async () => {
    const { client, calls } = connect(OpenAI, api);
    const { id } = await client.videos.create({ prompt });
    calls.length = 0;
    const early = await refusal(client.videos.downloadContent(id));
    expect(early).toBeInstanceOf(OpenAI.ConflictError);
    expect(early).toMatchObject({ code: "video_not_ready" });
    expect(calls).toHaveLength(1);
    const edit = await refusal(client.post("/videos/edits", { body: { prompt } }));
    expect(edit).toMatchObject({ status: 501, code: "not_supported" });
    const sync = await refusal(client.post("/videos/sync", { body: { prompt } }));
    expect(sync).toMatchObject({
      code: "not_supported",
      message: expect.stringContaining(
        "Send POST /v1/videos with Prefer: wait=25, then GET /v1/videos/{id}/content.",
      ),
    });
    expect(calls).toHaveLength(3);
  });

  it("an OpenAI client tries again while the queue is full", async () => {
    const full = await testApi({ limits: { ...api.deps.limits, unfinishedMax: 1 } });
    const { id } = await full.create();
    const statuses: number[] = [];
    const { client } = connect(OpenAI, full, {
      onAnswer: async ({ status }) => {
        if (statuses.push(status) === 1) await full.complete(id);
      },
    });
    expect(await client.videos.create({ prompt })).toMatchObject({ status: "queued" });
    expect(statuses).toEqual([429, 200]);
  });

  it.each([
    ["by itself", undefined],
    ["with an idempotency key", { headers: { "Idempotency-Key": "mine" } }],
  ])("an OpenAI client makes one video where the first answer was lost, %s", async (_title, options) => {
    const lossy = await testApi();
    const { client, calls } = connect(OpenAI, lossy, {
      onAnswer: async (_answer, call) => {
        if (call === 1) throw new TypeError("fetch failed");
      },
    });
    const { id } = await client.videos.create({ prompt }, options);
    expect(calls).toHaveLength(2);
    const { records } = await lossy.deps.jobs.list("acme", { limit: 10 });
    expect(records.map((record) => record.id)).toEqual([id]);
  });

  it("an OpenAI client unwraps a webhook as it was delivered", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: api.clock.now() });
    const { client } = connect(OpenAI, api);
    const url = "https://hooks.example.com/video";
    const { id } = await client.videos.create({ prompt, ...{ webhook_url: url, metadata: { order: "42" } } });
    await api.complete(id);
    await api.deliver(id);
    const { headers, body } = api.posts.at(-1)!;
    const { signing_secret: secret } = (await client.get("/webhook_secret")) as { signing_secret: string };
    const event: unknown = await client.webhooks.unwrap(body, headers, secret);
    expect(event).toMatchObject({
      object: "event",
      type: "video.completed",
      data: { id, metadata: { order: "42" } },
    });
    await expect(client.webhooks.unwrap(`${body} `, headers, secret)).rejects.toThrow(/signature/);
  });
});

it("the openai client 7 manages webhook endpoints", async () => {
  const api = await testApi();
  const { webhooks } = connect(OpenAI7, api).client;
  const url = "https://hooks.example.com/video";
  const created = await webhooks.create({ name: "mine", url, event_types: ["video.completed"] });
  expect(created.signing_secret).toMatch(/^whsec_/);
  expect(await webhooks.retrieve(created.id)).toMatchObject({ name: "mine", url });
  const renamed = await webhooks.update(created.id, { name: "ours", event_types: ["video.failed"] });
  expect(renamed).toMatchObject({ name: "ours", event_types: ["video.failed"] });
  const found: string[] = [];
  for await (const { id } of webhooks.list()) found.push(id);
  expect(found).toEqual([created.id]);
  const rotated = await webhooks.rotateSecret(created.id, { keep_old_secret_active_for_24_hours: true });
  expect(rotated.signing_secret).not.toBe(created.signing_secret);
  expect(await webhooks.test(created.id, { event_type: "video.failed" })).toMatchObject({
    success: true,
    status_code: 204,
  });
  expect((await webhooks.eventTypes.list()).data).toContain("video.completed");
  expect(await webhooks.delete(created.id)).toMatchObject({ id: created.id, deleted: true });
});
