import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import type { TriggerView } from "../../functions/api/schemas/trigger.ts";
import { LIMITS, type SendOptions, type TestApi, testApi } from "./support.ts";

type Created = TriggerView & { signing_secret: string };

interface Invocation {
  object: string;
  video_id: string;
  is_replay: boolean;
}

const PAYLOAD = { action: "opened", issue: { title: "a fox in the snow", number: 7 } };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

async function createTrigger(api: TestApi, fields: object = {}, options: SendOptions = {}): Promise<Created> {
  const json = { prompt: "{{/issue/title}}, watercolour", signature: { scheme: "github" }, ...fields };
  const response = await api.send("POST", "/v1/triggers", { ...options, json });
  expect(response.status).toBe(200);
  return (await response.json()) as Created;
}

/** Posts a webhook like its sender: without an API key. */
function post(api: TestApi, id: string, body: string, headers: Record<string, string>): Promise<Response> {
  return api.send("POST", `/v1/triggers/${id}/invoke`, {
    key: null,
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

interface GithubOptions {
  readonly secret?: string;
  readonly headers?: Record<string, string>;
}

function postGithub(api: TestApi, trigger: Created, body: string, { secret, headers }: GithubOptions = {}) {
  const signature = createHmac("sha256", secret ?? trigger.signing_secret)
    .update(body)
    .digest("hex");
  return post(api, trigger.id, body, { "x-hub-signature-256": `sha256=${signature}`, ...headers });
}

interface StandardOptions {
  readonly id?: string;
  readonly secret?: string;
  readonly at?: number;
}

function postStandard(api: TestApi, trigger: Created, body: string, options: StandardOptions = {}) {
  const { id = "msg_1", secret = trigger.signing_secret, at = api.clock.now() } = options;
  return post(api, trigger.id, body, {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, new Date(at), body),
  });
}

async function problem(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const { error } = (await response.json()) as {
    error: { code: string; param: string | null; message: string };
  };
  return { status: response.status, code: error.code, param: error.param, message: error.message };
}

const invocation = async (response: Response) => (await response.json()) as Invocation;

describe("a webhook without a whole signature", () => {
  const body = JSON.stringify(PAYLOAD);

  test("a webhook with the headers of Svix is taken, and is the same delivery under both names", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { signature: { scheme: "standard_webhooks" } });
    const at = new Date(api.clock.now());
    const values = {
      id: "msg_1",
      timestamp: String(at.getTime() / 1000),
      signature: new Webhook(trigger.signing_secret).sign("msg_1", at, body),
    };
    const named = (prefix: string) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}-${name}`, value]));
    const first = await invocation(await post(api, trigger.id, body, named("svix")));
    const second = await invocation(await post(api, trigger.id, body, named("webhook")));
    expect([first.is_replay, second.is_replay]).toEqual([false, true]);
    expect(second.video_id).toBe(first.video_id);
  });

  test("a webhook that lacks a header is told which, as much for a trigger that is there as for one that is not", async () => {
    const api = await testApi();
    const { id } = await createTrigger(api, { signature: { scheme: "standard_webhooks" } });
    const lacking: [headers: Record<string, string>, message: string][] = [
      [
        {},
        "The webhook is not signed: webhook-id, webhook-timestamp and webhook-signature are missing, or " +
          "X-Hub-Signature-256 of GitHub, or Authorization with the token.",
      ],
      [
        { "webhook-id": "a", "webhook-signature": "v1,a" },
        "The webhook is not signed as a whole: webhook-timestamp is missing.",
      ],
      [
        { "svix-id": "a" },
        "The webhook is not signed as a whole: svix-timestamp and svix-signature are missing.",
      ],
    ];
    for (const each of [id, `trg_${"0".repeat(32)}`]) {
      for (const [headers, message] of lacking) {
        const refused = await problem(await post(api, each, body, headers));
        expect(refused).toMatchObject({ status: 401, code: "invalid_signature", message });
      }
      const whole = { "svix-id": "a", "svix-timestamp": "1", "svix-signature": "v1,a" };
      const { message } = await problem(await post(api, each, body, whole));
      expect(message).toMatch(/^There is no enabled trigger with this id and secret/);
    }
  });
});

describe("a trigger", () => {
  test("a trigger is created with its secret, which is never shown again", async () => {
    const api = await testApi();
    const { signing_secret: secret, ...trigger } = await createTrigger(api, {
      name: "issues",
      video: { steps: 4, seed: 1 },
    });
    expect(secret).toMatch(/^adrt_/);
    expect(trigger).toMatchObject({
      object: "trigger",
      name: "issues",
      prompt: "{{/issue/title}}, watercolour",
      signature: { scheme: "github", old_secret_active_until: null },
      video: { steps: 4, seed: 1, timeout: 3600 },
      filter: [],
      enabled: true,
      invoke_path: `/v1/triggers/${trigger.id}/invoke`,
    });
    const read = await (await api.send("GET", `/v1/triggers/${trigger.id}`)).json();
    expect(read).toEqual(trigger);
    const page = await (await api.send("GET", "/v1/triggers")).json();
    expect(page).toMatchObject({ object: "list", data: [trigger], has_more: false });
  });

  test("a trigger accepts the sender's own secret", async () => {
    const api = await testApi();
    const secret = "It's-a-Secret-to-Everybody";
    const trigger = await createTrigger(api, { signature: { scheme: "github", secret } });
    expect(trigger.signing_secret).toBe(secret);
    expect((await postGithub(api, trigger, JSON.stringify(PAYLOAD), { secret })).status).toBe(202);
  });

  test("a trigger is changed field by field", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { video: { steps: 4 } });
    const path = `/v1/triggers/${trigger.id}`;
    const renamed = await (await api.send("POST", path, { json: { name: "new" } })).json();
    expect(renamed).toMatchObject({ name: "new", prompt: trigger.prompt, video: { steps: 4 } });
    const changed = await api.send("POST", path, { json: { prompt: "{{/x}}", video: {}, enabled: false } });
    expect(await changed.json()).toMatchObject({
      name: "new",
      prompt: "{{/x}}",
      enabled: false,
      video: { timeout: 3600 },
    });
  });

  test.each([
    [{ prompt: "a {{/b" }, "invalid_value", "prompt"],
    [{ prompt: "{{b}}" }, "invalid_value", "prompt"],
    [{ prompt: " \n" }, "invalid_value", "prompt"],
    [{ prompt: "x".repeat(4001) }, "invalid_value", "prompt"],
    [{ prompt: "{{/a}} </s>" }, "invalid_value", "prompt"],
    [{ signature: { scheme: "none" } }, "invalid_value", "signature.scheme"],
    [{ signature: { scheme: "github", secret: "short" } }, "invalid_value", "signature.secret"],
    [
      { signature: { scheme: "standard_webhooks", secret: "x".repeat(32) } },
      "invalid_value",
      "signature.secret",
    ],
    [{ filter: [{ pointer: "action", equals: "opened" }] }, "invalid_value", "filter.0.pointer"],
    [{ filter: [{ pointer: "/a", equals: {} }] }, "invalid_value", "filter.0.equals"],
    [{ video: { prompt: "mine" } }, "unknown_parameter", "video.prompt"],
    [{ video: { size: "1x1" } }, "invalid_value", "video.size"],
    [{ video: { model: "sora-2" } }, "invalid_value", "video.model"],
    [{ video: { steps: 2, num_inference_steps: 3 } }, "invalid_value", "video.steps"],
    [{ video: { webhook_url: "https://127.0.0.1/" } }, "invalid_webhook_url", "video.webhook_url"],
    [{ video: { webhook_events: ["video.failed"] } }, "invalid_value", "video.webhook_events"],
    [{ video: { metadata: { issue: "{{" } } }, "invalid_value", "video.metadata.issue"],
    [{ surprise: 1 }, "unknown_parameter", "surprise"],
  ])("a trigger is refused with %j", async (fields, code, param) => {
    const api = await testApi();
    const json = { prompt: "{{/a}}", signature: { scheme: "github" }, ...fields };
    const refused = await problem(await api.send("POST", "/v1/triggers", { json }));
    expect(refused).toMatchObject({ status: 400, code, param });
    const { id } = await createTrigger(api);
    if ("signature" in fields) return;
    const update = await problem(await api.send("POST", `/v1/triggers/${id}`, { json: fields }));
    expect(update).toMatchObject({ status: 400, code, param });
  });

  test("the error of a malformed template says where it is malformed", async () => {
    const api = await testApi();
    const json = { prompt: "{{/a}} and {{/b", signature: { scheme: "github" } };
    const { message } = await problem(await api.send("POST", "/v1/triggers", { json }));
    expect(message).toContain("at character 12");
  });

  test("a trigger of another tenant is answered like one that does not exist", async () => {
    const api = await testApi();
    const { id } = await createTrigger(api);
    const absent = `trg_${"0".repeat(32)}`;
    const asks: [method: string, path: string, json?: object][] = [
      ["GET", ""],
      ["POST", "", { name: "mine" }],
      ["DELETE", ""],
      ["POST", "/rotate_secret", {}],
      ["POST", "/dry_run", { payload: PAYLOAD }],
    ];
    for (const [method, path, json] of asks) {
      const ask = async (of: string) =>
        problem(await api.send(method, `/v1/triggers/${of}${path}`, { json, key: api.otherKey }));
      const foreign = await ask(id);
      expect(foreign).toMatchObject({ status: 404, code: "not_found" });
      expect(foreign).toEqual(await ask(absent));
    }
    expect(await (await api.send("GET", "/v1/triggers", { key: api.otherKey })).json()).toMatchObject({
      data: [],
    });
    expect((await api.send("GET", `/v1/triggers/${id}`)).status).toBe(200);
  });

  test("a trigger belongs to a key, which may have 50", async () => {
    const api = await testApi();
    expect(await problem(await api.send("GET", "/v1/triggers", { key: null }))).toMatchObject({
      status: 401,
    });
    const { id } = await createTrigger(api);
    const trigger = (await api.deps.triggers.read("acme", id))!;
    await Promise.all(Array.from({ length: 49 }, () => api.deps.triggers.create(trigger)));
    const json = { prompt: "{{/a}}", signature: { scheme: "github" } };
    expect(await problem(await api.send("POST", "/v1/triggers", { json }))).toMatchObject({ status: 400 });
  });
});

describe("a dry run", () => {
  const dryRun = (api: TestApi, id: string, payload: unknown) =>
    api.send("POST", `/v1/triggers/${id}/dry_run`, { json: { payload } });

  test("a dry run shows the request that a payload would make, and makes nothing", async () => {
    const api = await testApi();
    const video = { steps: 4, seed: 5, metadata: { issue: "{{/issue/number}}", source: "tracker" } };
    const { id } = await createTrigger(api, { video });
    expect(await (await dryRun(api, id, PAYLOAD)).json()).toEqual({
      object: "trigger.dry_run",
      trigger_id: id,
      prompt: "a fox in the snow, watercolour",
      params: { steps: 4, seed: 5, timeout: 3600, metadata: { issue: "7", source: "tracker" } },
    });
    expect(api.hinted.work).toEqual([]);
    expect(await (await api.send("GET", "/v1/videos")).json()).toMatchObject({ data: [] });
  });

  test("a dry run says that a payload would be filtered out", async () => {
    const api = await testApi();
    const { id } = await createTrigger(api, { filter: [{ pointer: "/action", equals: "closed" }] });
    expect(await (await dryRun(api, id, PAYLOAD)).json()).toEqual({
      object: "trigger.skipped",
      trigger_id: id,
    });
  });

  test.each([{}, { issue: {} }, { issue: { title: "" } }, { issue: { title: null } }, null, [], "text"])(
    "a dry run of %j says what is missing",
    async (payload) => {
      const api = await testApi();
      const { id } = await createTrigger(api);
      expect(await problem(await dryRun(api, id, payload))).toMatchObject({
        status: 422,
        code: "template_field_missing",
        param: "/issue/title",
      });
    },
  );

  test("a dry run needs a payload", async () => {
    const api = await testApi();
    const { id } = await createTrigger(api);
    const refused = await problem(await api.send("POST", `/v1/triggers/${id}/dry_run`, { json: {} }));
    expect(refused).toMatchObject({ status: 400, param: "payload" });
  });
});

describe("a webhook", () => {
  const body = JSON.stringify(PAYLOAD);

  test("a webhook becomes the job of its trigger", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, {
      video: {
        steps: 4,
        seed: 5,
        metadata: { issue: "{{/issue/number}}" },
        webhook_url: "https://example.com/done",
      },
    });
    const response = await postGithub(api, trigger, body);
    expect(response.status).toBe(202);
    const made = await invocation(response);
    expect(made).toEqual({
      object: "trigger.invocation",
      trigger_id: trigger.id,
      video_id: made.video_id,
      is_replay: false,
    });
    expect(await api.get(made.video_id)).toMatchObject({
      status: "queued",
      prompt: "a fox in the snow, watercolour",
      metadata: { issue: "7" },
      params: { steps: 4, seed: 5, webhook_url: "https://example.com/done" },
    });
    expect(api.hinted.work).toEqual([made.video_id]);
  });

  test("a delivery that arrives 20 times concurrently makes one job", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { signature: { scheme: "standard_webhooks" } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => invocation(await postStandard(api, trigger, body))),
    );
    expect(new Set(answers.map((answer) => answer.video_id)).size).toBe(1);
    expect(answers.filter((answer) => !answer.is_replay)).toHaveLength(1);
    const videos = (await (await api.send("GET", "/v1/videos")).json()) as { data: unknown[] };
    expect(videos.data).toHaveLength(1);
  });

  test("a Standard Webhooks delivery is deduplicated by its id for a week, and only with the same body", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { signature: { scheme: "standard_webhooks" } });
    const first = await invocation(await postStandard(api, trigger, body));
    api.clock.advance(7 * DAY_MS - 1);
    const again = await postStandard(api, trigger, body);
    expect(again.status).toBe(202);
    expect(await invocation(again)).toMatchObject({ video_id: first.video_id, is_replay: true });
    const changed = await postStandard(api, trigger, body.replace("fox", "dog"));
    expect(await problem(changed)).toMatchObject({ status: 422, code: "idempotency_key_reused" });
    const next = await invocation(await postStandard(api, trigger, body, { id: "msg_2" }));
    expect(next.video_id).not.toBe(first.video_id);
  });

  test("a GitHub delivery is deduplicated by its body, whatever delivery id a replay claims", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    const deliver = async (id: string, text: string) =>
      invocation(await postGithub(api, trigger, text, { headers: { "x-github-delivery": id } }));
    const first = await deliver("one", body);
    api.clock.advance(29 * DAY_MS);
    expect(await deliver("two", body)).toMatchObject({ video_id: first.video_id, is_replay: true });
    expect(await deliver("one", body.replace("7", "8"))).toMatchObject({ is_replay: false });
  });

  test("a token delivery is deduplicated by its key, and without one by its body for two minutes", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { signature: { scheme: "bearer" } });
    const authorization = `Bearer ${trigger.signing_secret}`;
    const deliver = async (headers: Record<string, string> = {}) =>
      invocation(await post(api, trigger.id, body, { authorization, ...headers }));
    const first = await deliver();
    api.clock.advance(2 * MINUTE_MS - 1);
    expect(await deliver()).toMatchObject({ video_id: first.video_id, is_replay: true });
    api.clock.advance(1);
    expect(await deliver()).toMatchObject({ is_replay: false });
    const keyed = await deliver({ "idempotency-key": "k" });
    expect(keyed.is_replay).toBe(false);
    api.clock.advance(DAY_MS - 1);
    expect(await deliver({ "webhook-id": "k" })).toMatchObject({ video_id: keyed.video_id, is_replay: true });
  });

  test("a delivery to one trigger is no repetition of one to another", async () => {
    const api = await testApi();
    const secret = "one-secret-for-both";
    const [a, b] = [
      await createTrigger(api, { signature: { scheme: "github", secret } }),
      await createTrigger(api, { signature: { scheme: "github", secret } }),
    ];
    const [first, second] = [await postGithub(api, a, body), await postGithub(api, b, body)];
    expect((await invocation(first)).video_id).not.toBe((await invocation(second)).video_id);
  });

  test("a webhook is accepted with the old secret for a day after a rotation", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    const json = { keep_old_secret_active_for_24_hours: true };
    const rotated = (await (
      await api.send("POST", `/v1/triggers/${trigger.id}/rotate_secret`, { json })
    ).json()) as Created;
    expect(rotated.signing_secret).not.toBe(trigger.signing_secret);
    expect(rotated.signature.old_secret_active_until).toBe(Math.floor((api.clock.now() + DAY_MS) / 1000));
    const statuses = async () => [
      (await postGithub(api, trigger, body)).status,
      (await postGithub(api, rotated, body)).status,
    ];
    expect(await statuses()).toEqual([202, 202]);
    api.clock.advance(DAY_MS);
    expect(await statuses()).toEqual([401, 202]);
  });

  test("a rotation to a short secret is refused", async () => {
    const api = await testApi();
    const { id } = await createTrigger(api);
    const refused = await api.send("POST", `/v1/triggers/${id}/rotate_secret`, { json: { secret: "short" } });
    expect(await problem(refused)).toMatchObject({ status: 400, code: "invalid_value", param: "secret" });
  });

  test("a webhook is refused alike for an unknown trigger, a disabled one, and a wrong signature", async () => {
    const api = await testApi();
    const github = await createTrigger(api);
    const standard = await createTrigger(api, { signature: { scheme: "standard_webhooks" } });
    const bearer = await createTrigger(api, { signature: { scheme: "bearer" } });
    const disabled = await createTrigger(api, { enabled: false });
    const now = api.clock.now();
    const answers = await Promise.all([
      postGithub(api, { ...github, id: `trg_${"0".repeat(32)}` }, body),
      postGithub(api, { ...github, id: "nonsense" }, body),
      postGithub(api, disabled, body),
      postGithub(api, github, body, { secret: "wrong" }),
      postGithub(api, standard, body),
      post(api, github.id, body, { authorization: `Bearer ${api.ownKey}` }),
      post(api, bearer.id, body, { authorization: `Bearer ${github.signing_secret}` }),
      postStandard(api, standard, body, { at: now - 301_000 }),
      postStandard(api, standard, body, { at: now + 301_000 }),
      postGithub(api, github, "not JSON", { secret: "wrong" }),
    ]);
    const problems = await Promise.all(answers.map(problem));
    expect(problems[0]).toMatchObject({ status: 401, code: "invalid_signature", param: null });
    for (const each of problems) expect(each).toEqual(problems[0]);
    expect(api.hinted.work).toEqual([]);
  });

  test("a ping of GitHub and a filtered payload are answered without a video", async () => {
    const api = await testApi();
    const filter = [{ pointer: "/action", equals: "opened" }];
    const trigger = await createTrigger(api, { filter });
    const ping = await postGithub(api, trigger, '{"zen":"Design for failure."}', {
      headers: { "x-github-event": "ping" },
    });
    expect([ping.status, await ping.json()]).toEqual([
      200,
      { object: "trigger.ping", trigger_id: trigger.id },
    ]);
    const closed = await postGithub(api, trigger, body.replace("opened", "closed"));
    expect([closed.status, await closed.json()]).toEqual([
      200,
      { object: "trigger.skipped", trigger_id: trigger.id },
    ]);
    expect(api.hinted.work).toEqual([]);
    expect((await postGithub(api, trigger, body)).status).toBe(202);
  });

  test("a delivery that calls itself a ping counts as one only if GitHub signed it", async () => {
    const api = await testApi();
    const headers = { "x-github-event": "ping" };
    const github = await createTrigger(api);
    expect((await post(api, github.id, body, headers)).status).toBe(401);
    const bearer = await createTrigger(api, { signature: { scheme: "bearer" } });
    const authorization = `Bearer ${bearer.signing_secret}`;
    expect((await post(api, bearer.id, body, { ...headers, authorization })).status).toBe(202);
  });

  test.each([
    ["{}", 422, "template_field_missing", "/issue/title"],
    [`{"issue":{"title":" "}}`, 422, "template_field_missing", "/issue/title"],
    [`{"issue":{"title":{"a":1}}}`, 422, "template_field_missing", "/issue/title"],
    [`{"__proto__":{"issue":{"title":"x"}}}`, 422, "template_field_missing", "/issue/title"],
    [`{"issue":{"title":"a\\u0000b"}}`, 400, "invalid_value", "prompt"],
    [`{"issue":{"title":"a\\ud800"}}`, 400, "invalid_value", "prompt"],
    [`{"issue":{"title":"</s>"}}`, 400, "invalid_value", "prompt"],
    [`{"issue":{"title":"${"x".repeat(LIMITS.promptCharactersMax)}"}}`, 400, "invalid_value", "prompt"],
    ["", 400, "invalid_json", null],
    ["{", 400, "invalid_json", null],
    ["payload=%7B%7D", 400, "invalid_json", null],
    ["[".repeat(100_000), 400, "invalid_json", null],
    [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, 422, "template_field_missing", "/issue/title"],
  ])("a webhook with a signed %.40s is refused and makes no job", async (text, status, code, param) => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    expect(await problem(await postGithub(api, trigger, text))).toMatchObject({ status, code, param });
    expect(api.hinted.work).toEqual([]);
  });

  test("a webhook whose prompt failed can be sent again once the trigger is mended", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api, { prompt: "{{/issue/name}}" });
    expect((await postGithub(api, trigger, body)).status).toBe(422);
    await api.send("POST", `/v1/triggers/${trigger.id}`, { json: { prompt: "{{/issue/title}}" } });
    expect(await invocation(await postGithub(api, trigger, body))).toMatchObject({ is_replay: false });
  });

  test("a webhook sent as a form is refused with the setting to change", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const form = new URLSearchParams({ payload: body }).toString();
    const refused = await problem(await postGithub(api, trigger, form, { headers }));
    expect(refused).toMatchObject({ status: 415, code: "unsupported_media_type" });
    expect(refused.message).toContain("Choose application/json as the content type");
  });

  test("a webhook may have 256 KiB, which are counted", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    const padded = (bytes: number) => {
      const start = `${body.slice(0, -1)},"pad":"`;
      return `${start}${"x".repeat(bytes - start.length - 2)}"}`;
    };
    expect((await postGithub(api, trigger, padded(256 * 1024))).status).toBe(202);
    const refused = await problem(await postGithub(api, trigger, padded(256 * 1024 + 1)));
    expect(refused).toMatchObject({ status: 413, code: "body_too_large" });
  });

  test("braces in a payload are not expanded as placeholders", async () => {
    const api = await testApi();
    const trigger = await createTrigger(api);
    const hostile = JSON.stringify({ secret: "hidden", issue: { title: "{{/secret}} $& {{{{" } });
    const { video_id: id } = await invocation(await postGithub(api, trigger, hostile));
    expect(await api.get(id)).toMatchObject({ prompt: "{{/secret}} $& {{{{, watercolour" });
  });

  test("a webhook counts against the limits of the key that made its trigger", async () => {
    const api = await testApi({ limits: { ...LIMITS, unfinishedMax: 1 } });
    const trigger = await createTrigger(api);
    const other = await createTrigger(api, {}, { key: api.otherKey });
    expect((await postGithub(api, trigger, body)).status).toBe(202);
    const refused = await postGithub(api, trigger, body.replace("7", "8"));
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await problem(refused)).toMatchObject({ status: 429, code: "queue_full" });
    expect((await api.send("POST", "/v1/videos", { json: { prompt: "a fox" } })).status).toBe(429);
    expect((await postGithub(api, other, body)).status).toBe(202);
  });
});
