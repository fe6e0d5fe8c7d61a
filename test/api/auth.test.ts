import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { newApiKey } from "../../lib/service/keys/index.ts";
import { expectProblem } from "./problem.ts";
import { EXAMPLES, OPERATIONS, pathOf } from "./routes.ts";
import { type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});

const guarded = OPERATIONS.filter(({ isPublic }) => !isPublic);

describe("a request", () => {
  async function refusal(authorization: string | undefined, path = "/v1/videos") {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await api.send("GET", path, { key: null, headers });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="adareel"');
    const { request_id: id, ...problem } = await expectProblem(answer, "invalid_api_key", null);
    expect(id).toBeTruthy();
    return problem;
  }

  it("a request without a key is answered like one with a malformed, unknown, wrong or revoked key", async () => {
    const { key, apiKey } = await api.deps.keys.create({ tenant: "acme", name: "revoked" });
    await api.deps.keys.revoke(apiKey.id);
    const [, id] = api.ownKey.split("_");
    const unknown = newApiKey(randomBytes).key;
    const wrong = `adr_${id}_${unknown.split("_").slice(2).join("_")}`;
    const expected = await refusal(undefined);
    for (const authorization of [
      "",
      "Bearer",
      "Bearer x",
      `Basic ${api.ownKey}`,
      api.ownKey,
      `Bearer ${api.ownKey}x`,
      `Bearer ${api.ownKey.toUpperCase()}`,
      `Bearer ${api.ownKey} ${api.ownKey}`,
      `Bearer ${"a".repeat(100_000)}`,
      `Bearer ${unknown}`,
      `Bearer ${wrong}`,
      `Bearer ${key}`,
    ]) {
      expect(await refusal(authorization)).toEqual(expected);
    }
  });

  it("the authorization scheme may be written in any case", async () => {
    const headers = { authorization: `bearer ${api.ownKey}` };
    expect((await api.send("GET", "/v1/videos", { key: null, headers })).status).toBe(200);
  });

  it.each(guarded.map((operation) => [operation.id, operation] as const))(
    "the route %s checks the key before anything else",
    async (_id, operation) => {
      const path = pathOf(operation, "nothing");
      const malformed = operation.body ? { body: "{" } : {};
      const answer = await api.send(operation.method.toUpperCase(), path, { key: null, ...malformed });
      await expectProblem(answer, "invalid_api_key");
    },
  );

  it("an unknown path is answered 401 without a key, so that nobody can probe for routes", async () => {
    await expectProblem(await api.send("GET", "/v1/nothing", { key: null }), "invalid_api_key");
  });
});

describe("an object of another tenant", () => {
  /** Ids by kind of resource: one of the first tenant, and one that does not exist. */
  const kinds: Record<string, { own: string; missing: string }> = {};
  beforeAll(async () => {
    const video = await api.create();
    await api.complete(video.id);
    const created = async (path: string, json: object) =>
      ((await (await api.send("POST", path, { json })).json()) as { id: string }).id;
    const endpoint = await created("/v1/webhook_endpoints", { url: "https://hooks.example.com" });
    const trigger = await created("/v1/triggers", { prompt: "a", signature: { scheme: "github" } });
    kinds.videos = { own: video.id, missing: "video_00000000000000000000000000" };
    kinds.webhook_endpoints = { own: endpoint, missing: `we_${"0".repeat(32)}` };
    kinds.triggers = { own: trigger, missing: `trg_${"0".repeat(32)}` };
  });

  const withId = guarded.filter(({ path }) => path.includes("{id}") && !path.startsWith("/v1/models"));

  it.each(withId.map((operation) => [operation.id, operation] as const))(
    "a call of %s for another tenant's object is answered byte for byte as if the object did not exist",
    async (id, operation) => {
      const { own, missing } = kinds[operation.path.split("/")[2]!]!;
      const ask = async (thing: string) => {
        const answer = await api.send(operation.method.toUpperCase(), pathOf(operation, thing), {
          key: api.otherKey,
          headers: { "x-request-id": "the-same" },
          ...(operation.body && { json: EXAMPLES[id] ?? {} }),
        });
        const headers = JSON.stringify([...answer.headers]);
        return [answer.status, headers, (await answer.text()).replaceAll(thing, "ID")];
      };
      const [foreign, unknown] = [await ask(own), await ask(missing)];
      expect(foreign).toEqual(unknown);
      expect(foreign[0]).toBe(404);
    },
  );

  it("no list shows an object of another tenant", async () => {
    for (const path of ["/v1/videos", "/v1/webhook_endpoints", "/v1/triggers"]) {
      const list = await (await api.send("GET", path, { key: api.otherKey })).json();
      expect(list).toEqual({ object: "list", data: [], first_id: null, last_id: null, has_more: false });
    }
  });

  it("an object is unchanged after another tenant tried to change it", async () => {
    const { own } = kinds.videos!;
    expect(await api.get(own)).toMatchObject({ id: own, status: "completed" });
    const endpoints = (await (await api.send("GET", "/v1/webhook_endpoints")).json()) as { data: unknown[] };
    expect(endpoints.data).toMatchObject([{ id: kinds.webhook_endpoints!.own, name: "webhook" }]);
  });

  it("two tenants may use the same idempotency key", async () => {
    const headers = { "idempotency-key": "same" };
    const mine = await api.create({}, { headers });
    const theirs = await api.create({}, { headers, key: api.otherKey });
    expect(theirs.id).not.toBe(mine.id);
  });
});
