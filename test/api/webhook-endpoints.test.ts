import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, it } from "vitest";
import type { EndpointView } from "../../functions/api/schemas/webhook-endpoint.ts";
import type { PostResult } from "../../lib/service/net/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { type Posted, type TestApi, testApi } from "./support.ts";

type WithSecret = EndpointView & { signing_secret: string };

const URL_1 = "https://hooks.example.com/video";

let api: TestApi;
beforeEach(async () => {
  api = await testApi({ store: memoryStore() });
});

async function ask<T>(method: string, rest: string, json?: object): Promise<T> {
  const answer = await api.send(method, `/v1/webhook_endpoints${rest}`, json && { json });
  const body = (await answer.json()) as T;
  expect([answer.status, body]).toEqual([200, body]);
  return body;
}

const create = (fields: object = {}) => ask<WithSecret>("POST", "", { url: URL_1, ...fields });

/** Returns whether one of the signatures of a delivery was made with the secret. */
function isSignedBy(secret: string, { headers, body }: Posted): boolean {
  const timestamp = new Date(Number(headers["webhook-timestamp"]) * 1000);
  const signature = new Webhook(secret).sign(headers["webhook-id"]!, timestamp, body);
  return headers["webhook-signature"]!.split(" ").includes(signature);
}

describe("an endpoint", () => {
  it("an endpoint is created with its defaults, and shows its secret only then", async () => {
    const { signing_secret: secret, ...endpoint } = await create();
    const now = api.clock.now() / 1000;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^we_[0-9a-f]{32}$/),
      object: "webhook_endpoint",
      name: "webhook",
      url: URL_1,
      event_types: ["video.completed", "video.failed"],
      created_at: now,
      updated_at: now,
      disabled_at: null,
      signing_secret_hint: `whsec_...${secret.slice(-4)}`,
    });
    expect(await ask("GET", `/${endpoint.id}`)).toEqual(endpoint);
    const list = {
      object: "list",
      data: [endpoint],
      first_id: endpoint.id,
      last_id: endpoint.id,
      has_more: false,
    };
    expect(await ask("GET", "")).toEqual(list);
  });

  it("an endpoint changes only in the fields given, and endpoints are listed in the order of creation", async () => {
    const first = await create({ name: "first" });
    api.clock.advance(1000);
    const second = await create({ name: "second", event_types: ["video.queued"] });
    const changed = await ask<EndpointView>("POST", `/${first.id}`, {
      url: "https://b.example",
      name: " b ",
    });
    expect(changed).toMatchObject({ url: "https://b.example/", name: "b", event_types: first.event_types });
    expect(changed.updated_at).toBe(first.updated_at + 1);
    expect(await ask("POST", `/${first.id}`, {})).toEqual(changed);
    const { data } = await ask<{ data: EndpointView[] }>("GET", "");
    expect(data.map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  it("an endpoint is deleted once", async () => {
    const { id } = await create();
    const deleted = { id, object: "webhook_endpoint.deleted", deleted: true };
    expect(await ask("DELETE", `/${id}`)).toEqual(deleted);
    const answers = [
      await api.send("DELETE", `/v1/webhook_endpoints/${id}`),
      await api.send("GET", `/v1/webhook_endpoints/${id}`),
      await api.send("POST", `/v1/webhook_endpoints/${id}`, { json: { name: "a" } }),
      await api.send("POST", `/v1/webhook_endpoints/${id}/rotate_secret`),
      await api.send("POST", `/v1/webhook_endpoints/${id}/test`),
    ];
    for (const answer of answers) await expectProblem(answer, "not_found");
  });

  it.each([
    ["no url", { url: undefined }, "invalid_value", "url"],
    ["an inner address", { url: "https://10.0.0.1/" }, "invalid_webhook_url", "url"],
    ["no events", { event_types: [] }, "invalid_value", "event_types"],
    ["an unknown event", { event_types: ["video.done"] }, "invalid_value", "event_types.0"],
    ["a blank name", { name: " " }, "invalid_value", "name"],
    ["an unknown field", { secret: "x" }, "unknown_parameter", "secret"],
  ] as const)("an endpoint with %s is refused", async (_title, fields, code, param) => {
    const json = { url: URL_1, ...fields };
    await expectProblem(await api.send("POST", "/v1/webhook_endpoints", { json }), code, param);
    const { id } = await create();
    if ("url" in fields && fields.url === undefined) return;
    await expectProblem(await api.send("POST", `/v1/webhook_endpoints/${id}`, { json: fields }), code, param);
  });

  it("a tenant has at most twenty endpoints", async () => {
    for (let count = 0; count < 20; count += 1) await create();
    await expectProblem(
      await api.send("POST", "/v1/webhook_endpoints", { json: { url: URL_1 } }),
      "invalid_value",
    );
  });
});

describe("a delivery to an endpoint", () => {
  async function sendVideo(): Promise<Posted> {
    const { id } = await api.create();
    await api.complete(id);
    await api.deliver(id);
    return api.posts.at(-1)!;
  }

  it("a delivery to an endpoint is signed with the endpoint's secret", async () => {
    const { signing_secret: secret } = await create();
    const posted = await sendVideo();
    expect(posted.url).toBe(URL_1);
    expect(isSignedBy(secret, posted)).toBe(true);
  });

  it("a delivery is signed with both secrets for a day after a rotation that keeps the old one", async () => {
    const { id, signing_secret: old } = await create();
    const keep = { keep_old_secret_active_for_24_hours: true };
    const { signing_secret: fresh } = await ask<WithSecret>("POST", `/${id}/rotate_secret`, keep);
    expect(fresh).not.toBe(old);
    const during = await sendVideo();
    expect([isSignedBy(old, during), isSignedBy(fresh, during)]).toEqual([true, true]);
    api.clock.advance(24 * 3_600_000);
    const after = await sendVideo();
    expect([isSignedBy(old, after), isSignedBy(fresh, after)]).toEqual([false, true]);
  });

  it("a delivery is signed with every secret that was promised a day, however often secrets are rotated", async () => {
    const { id, signing_secret: first } = await create();
    const json = { keep_old_secret_active_for_24_hours: true };
    const secrets = [first];
    for (let hour = 0; hour < 5; hour += 1) {
      secrets.push((await ask<WithSecret>("POST", `/${id}/rotate_secret`, json)).signing_secret);
      api.clock.advance(3_600_000);
    }
    const posted = await sendVideo();
    expect(secrets.map((secret) => isSignedBy(secret, posted))).toEqual(secrets.map(() => true));
    const refused = await api.send("POST", `/v1/webhook_endpoints/${id}/rotate_secret`, { json });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: {
        param: "keep_old_secret_active_for_24_hours",
        message: expect.stringContaining("rotate after that"),
      },
    });
    api.clock.advance(19 * 3_600_000);
    const later = await sendVideo();
    expect(secrets.map((secret) => isSignedBy(secret, later))).toEqual([false, ...Array(5).fill(true)]);
    await ask("POST", `/${id}/rotate_secret`, json);
    await ask("POST", `/${id}/rotate_secret`, {});
    const last = await sendVideo();
    expect(secrets.map((secret) => isSignedBy(secret, last))).toEqual(secrets.map(() => false));
  });

  it("a delivery is signed with the new secret alone after any other rotation", async () => {
    const { id, signing_secret: old } = await create();
    const { signing_secret: fresh } = await ask<WithSecret>("POST", `/${id}/rotate_secret`);
    const posted = await sendVideo();
    expect([isSignedBy(old, posted), isSignedBy(fresh, posted)]).toEqual([false, true]);
  });

  it("an endpoint that answers 410 is disabled until it has a new URL", async () => {
    const { id } = await create();
    api.receiver.answer = { ok: true, status: 410, retryAfterSeconds: null, milliseconds: 1 };
    await sendVideo();
    const { disabled_at: disabledAt } = await ask<EndpointView>("GET", `/${id}`);
    expect(disabledAt).toBe(api.clock.now() / 1000);
    const before = api.posts.length;
    await sendVideo();
    expect(api.posts).toHaveLength(before);
    expect(await ask("POST", `/${id}`, { url: URL_1 })).toMatchObject({ disabled_at: null });
  });
});

describe("a test of an endpoint", () => {
  it("a test of an endpoint sends one signed event that says it is a test", async () => {
    const { id, signing_secret: secret } = await create();
    const result = await ask("POST", `/${id}/test`, { event_type: "video.failed" });
    expect(result).toEqual({
      object: "webhook_endpoint.test",
      webhook_endpoint_id: id,
      event_type: "video.failed",
      success: true,
      status_code: 204,
      reason: null,
    });
    const [posted] = api.posts;
    expect(isSignedBy(secret, posted!)).toBe(true);
    expect(JSON.parse(posted!.body)).toEqual({
      id: posted!.headers["webhook-id"],
      object: "event",
      type: "video.failed",
      created_at: api.clock.now() / 1000,
      timestamp: new Date(api.clock.now()).toISOString(),
      data: { id: "video_test", object: "video", is_test: true },
    });
  });

  it.each<[PostResult, object]>([
    [
      { ok: true, status: 302, retryAfterSeconds: null, milliseconds: 1 },
      { success: false, status_code: 302, reason: null },
    ],
    [
      { ok: false, reason: "blocked_address", milliseconds: 1 },
      { success: false, status_code: null, reason: "blocked_address" },
    ],
  ])("a test of an endpoint reports the answer %j", async (answer, expected) => {
    const { id } = await create();
    api.receiver.answer = answer;
    expect(await ask("POST", `/${id}/test`)).toMatchObject(expected);
  });
});

it("the types of events are those of videos", async () => {
  const list = await (await api.send("GET", "/v1/webhook_event_types")).json();
  const data = ["video.queued", "video.in_progress", "video.completed", "video.failed"];
  expect(list).toEqual({ object: "list", data });
});
