import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import {
  type AdareelClient,
  AdareelError,
  adareelClient,
  type Video,
  type VideoEvent,
  verifyWebhook,
} from "../../../clients/typescript/src/index.ts";
import type { StreamEvents } from "../../../functions/api/schemas/video-stream.ts";
import { signWebhook } from "../../../lib/service/net/index.ts";
import { type LoopbackService, startLoopbackService } from "../../conformance/service.ts";
import { eventually } from "../../eventually.ts";

let service: LoopbackService;
let client: AdareelClient;
beforeAll(async () => {
  service = await startLoopbackService();
  client = adareelClient(service.origin, service.api.ownKey);
});
afterAll(() => service.stop());

const prompt = "a red circle";

/** Returns the error of a call. */
async function refusal(call: Promise<unknown>): Promise<AdareelError> {
  const error = await call.then(
    () => expect.unreachable(),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(AdareelError);
  return error as AdareelError;
}

/** Client whose requests that create videos get what `answer` makes of them. */
function disturbed(answer: (create: () => Promise<Response>, nth: number) => Promise<Response>) {
  const keys: (string | null)[] = [];
  const send: typeof fetch = async (input, init) => {
    if (init?.method !== "POST") return fetch(input, init);
    keys.push(new Headers(init.headers).get("idempotency-key"));
    return answer(() => fetch(input, init), keys.length - 1);
  };
  return { keys, client: adareelClient(service.origin, service.api.ownKey, { fetch: send }) };
}

describe("the client of the package", () => {
  it("the client creates a video, waits for it and downloads it without the key", async () => {
    const { id } = await client.create({ prompt, metadata: { order: "42" } });
    const seen: Video["status"][] = [];
    const video = await client.wait(id, { onChange: ({ status }) => seen.push(status) });
    expect([video.status, video.metadata, seen.at(-1)]).toEqual(["completed", { order: "42" }, "completed"]);
    const mp4 = await client.content(id);
    expect(await mp4.text()).toBe(`video.mp4 of ${id}`);
    expect(await (await client.content(id, { variant: "thumbnail" })).text()).toBe(`thumbnail.webp of ${id}`);
  });

  it("a wait without an observer ends with the video as well", async () => {
    const { id } = await client.create({ prompt });
    expect((await client.wait(id)).status).toBe("completed");
  });

  it("a cancelled video ends the wait with its error, and has no content", async () => {
    const idle = await startLoopbackService({ hasWorker: false });
    const lonely = adareelClient(idle.origin, idle.api.ownKey);
    const { id } = await lonely.create({ prompt });
    await lonely.cancel(id);
    const { status, error } = await lonely.wait(id);
    expect([status, error?.code]).toEqual(["failed", "canceled"]);
    const { status: http, code, message } = await refusal(lonely.content(id));
    expect([http, code, message]).toEqual([
      409,
      "video_failed",
      "This video was cancelled, so it has no outputs.",
    ]);
    idle.stop();
  });

  it("a refusal is an error with the sentence, the code, the field and the id of the request", async () => {
    const { status, code, param, requestId, message } = await refusal(client.create({ prompt, steps: 0 }));
    expect([status, code, param]).toEqual([400, "invalid_value", "steps"]);
    expect(message).toMatch(/^steps .*\.$/);
    expect(requestId).toMatch(/^[\w-]{36}$/);
    const stranger = adareelClient(service.origin, "adr_wrong");
    expect(await refusal(stranger.create({ prompt }))).toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
    expect(await refusal(client.wait("video_0"))).toMatchObject({ status: 404, code: "video_not_found" });
  });

  it("a lost answer and a broken connection are repeated with one key, and make one video", async () => {
    const { client, keys } = disturbed(async (create, nth) => {
      if (nth === 0) throw new TypeError("fetch failed");
      const answer = await create();
      return nth === 1 ? new Response("", { status: 503, headers: { "retry-after": "0" } }) : answer;
    });
    const { id } = await client.create({ prompt });
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
    const again = await client.create({ prompt }, { idempotencyKey: keys[0]! });
    expect(again.id).toBe(id);
  });

  it("the answer of something in between is told as it is, after two repetitions", async () => {
    const { client, keys } = disturbed(
      async () => new Response("<h1>bad gateway</h1>", { status: 502, headers: { "retry-after": "0" } }),
    );
    const error = await refusal(client.create({ prompt }));
    expect([keys.length, error.code, error.message]).toEqual([
      3,
      null,
      "The service answered 502: <h1>bad gateway</h1>",
    ]);
  });

  it("requests that would act twice are sent once", async () => {
    const { client, keys } = disturbed(async () => Promise.reject(new TypeError("fetch failed")));
    await expect(client.v1.videos.$post({ json: { prompt } })).rejects.toThrow("fetch failed");
    await expect(client.cancel("video_0")).rejects.toThrow("fetch failed");
    expect(keys).toEqual([null, null]);
  });

  it("an aborted wait ends at once, and its video goes on", async () => {
    const idle = await startLoopbackService({ hasWorker: false });
    const lonely = adareelClient(idle.origin, idle.api.ownKey);
    const { id } = await lonely.create({ prompt });
    const abort = new AbortController();
    const waiting = lonely.wait(id, { signal: abort.signal, onChange: () => abort.abort() });
    await expect(waiting).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect((await idle.api.get(id)).status).toBe("queued");
    idle.stop();
  });
});

describe("the client's check of webhooks", () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const body = JSON.stringify({
    id: "evt_1",
    object: "event",
    type: "video.completed",
    data: { id: "video_1" },
  });
  const signed = (secondsOff = 0, by = secret) =>
    signWebhook({
      id: "evt_1",
      timestampSeconds: Math.floor(Date.now() / 1000) + secondsOff,
      body,
      secrets: [by],
    });

  it("a webhook of the service is read by its secret", async () => {
    const { signing_secret: own } = await (await client.v1.webhook_secret.$get()).json();
    await client.create({ prompt, webhook_url: service.receiver });
    const { id } = await client.create({ prompt, webhook_url: service.receiver });
    await client.wait(id);
    await service.api.deliver(id);
    const { headers, body } = await eventually(() => service.received.at(-1)!);
    const event = await verifyWebhook({ headers, body, secret: own });
    expect([event.type, event.data.id]).toEqual(["video.completed", id]);
  });

  it("headers and bodies of every kind are taken, and the old secret beside the new one", async () => {
    const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
    const bytes = new TextEncoder().encode(body);
    const event = await verifyWebhook({
      headers: new Headers(signed()),
      body: bytes,
      secret: [other, secret],
    });
    expect(event.data.id).toBe("video_1");
  });

  it.each([
    [
      "another body",
      signed(),
      `${body} `,
      secret,
      "The signature of this webhook is not of this secret and this body.",
    ],
    [
      "another secret",
      signed(0, `whsec_${Buffer.alloc(32).toString("base64")}`),
      body,
      secret,
      "The signature of this",
    ],
    ["an old time", signed(-400), body, secret, "The time of this webhook is more than five minutes off."],
    ["a time to come", signed(400), body, secret, "The time of this webhook is more than five minutes off."],
    [
      "a time in words",
      { ...signed(), "webhook-timestamp": "now" },
      body,
      secret,
      "The time of this webhook",
    ],
    [
      "no signature",
      { "webhook-id": "evt_1", "webhook-timestamp": "1" },
      body,
      secret,
      "The header webhook-signature is",
    ],
    ["a secret of something else", signed(), body, "adr_1", "A signing secret begins with whsec_."],
  ])("a webhook with %s is refused", async (_name, headers, text, by, sentence) => {
    await expect(verifyWebhook({ headers, body: text, secret: by })).rejects.toThrow(sentence);
  });
});

describe("the client that watches a video", () => {
  it("the events of a video are told until it is over, by the stream of the service", async () => {
    const { id } = await client.create({ prompt });
    const seen: string[] = [];
    for await (const { event, data } of client.watch(id)) seen.push(event === "status" ? data.status : event);
    expect([seen[0], seen.at(-1)]).toEqual(["queued", "completed"]);
  });

  it("a stream that breaks is taken up after the last event", async () => {
    const ids: (string | null)[] = [];
    const send: typeof fetch = async (input, init) => {
      if (!String(input).endsWith("/stream")) return fetch(input, init);
      ids.push(new Headers(init?.headers).get("last-event-id"));
      const event = (name: string, id: string, data: object) =>
        `retry: 1\nid: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
      const parts = [
        event("status", "a", { status: "queued" }) +
          event("progress", "b", { status: "in_progress", steps_done: 2 }),
        `: alive\n\n${event("status", "c", { status: "completed" })}`,
      ];
      return new Response(parts[ids.length - 1]);
    };
    const broken = adareelClient(service.origin, service.api.ownKey, { fetch: send });
    const seen: (number | null)[] = [];
    const video = await broken.wait("video_1", {
      onChange: ({ steps_done }) => seen.push(steps_done ?? null),
    });
    expect([video.status, ids, seen]).toEqual(["completed", [null, "b"], [null, 2, null]]);
  });

  it.each(["not_found", "too_many_streams"])(
    "a wait goes on by asking where the stream is %s",
    async (code) => {
      const send: typeof fetch = async (input, init) =>
        String(input).endsWith("/stream")
          ? Response.json({ error: { code, message: "No." } }, { status: 404 })
          : fetch(input, init);
      const older = adareelClient(service.origin, service.api.ownKey, { fetch: send });
      const { id } = await older.create({ prompt });
      const seen: string[] = [];
      const { status } = await older.wait(id, { onChange: (video) => seen.push(video.status) });
      expect([status, seen.at(-1)]).toEqual(["completed", "completed"]);
    },
  );

  it("a deleted video ends what is told of it, and the wait for it is refused", async () => {
    const idle = await startLoopbackService({ hasWorker: false });
    const lonely = adareelClient(idle.origin, idle.api.ownKey);
    const { id } = await lonely.create({ prompt });
    const waiting = lonely.wait(id, { onChange: () => void idle.api.send("DELETE", `/v1/videos/${id}`) });
    expect(await refusal(waiting)).toMatchObject({ status: 404, code: "video_not_found" });
    idle.stop();
  });

  it("the types of events are those of the service", () => {
    type Data<Name> = Extract<VideoEvent, { event: Name }>["data"];
    expectTypeOf<StreamEvents["progress"]>().toExtend<Data<"progress">>();
    expectTypeOf<StreamEvents["preview"]>().toExtend<Data<"preview">>();
    expectTypeOf<StreamEvents["deleted"]>().toExtend<Data<"deleted">>();
    expectTypeOf<keyof StreamEvents>().toEqualTypeOf<VideoEvent["event"]>();
  });
});
