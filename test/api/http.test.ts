import { Writable } from "node:stream";
import { pino } from "pino";
import { beforeAll, describe, expect, it } from "vitest";
import { ApiError, plainProblem } from "../../functions/api/problem.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { type TestApi, testApi } from "./support.ts";

let api: TestApi;
let log = "";
beforeAll(async () => {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      log += chunk;
      done();
    },
  });
  api = await testApi({ store: memoryStore(), log: pino(sink) });
});

it.each(["videos", "webhook_endpoints", "webhook_secret", "webhook_event_types", "triggers", "models"])(
  "answers of %s forbid caches to store them",
  async (path) => {
    const answer = await api.send("GET", `/v1/${path}`);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  },
);

it("every answer forbids browsers to guess its type: pages, documents, errors, redirects, preflights", async () => {
  const { id } = await api.create();
  await api.complete(id);
  const get = [
    "",
    "/docs",
    "/healthz",
    "/openapi.json",
    "/nothing",
    "/v1/videos",
    `/v1/videos/${id}/content`,
  ];
  const answers = [
    ...get.map((path) => api.send("GET", path || "/")),
    api.send("GET", "/v1/videos", { key: "adr_wrong" }),
    api.send("PUT", "/v1/videos"),
    api.send("POST", "/v1/videos", { body: "{", headers: { "content-type": "application/json" } }),
    api.send("OPTIONS", "/v1/videos", {
      headers: { origin: "https://a.test", "access-control-request-method": "GET" },
    }),
    api.send("HEAD", "/v1/videos"),
  ];
  for (const answer of await Promise.all(answers)) {
    expect([answer.status, answer.headers.get("x-content-type-options")]).toEqual([answer.status, "nosniff"]);
  }
  const problem = plainProblem(new ApiError("internal_error", "a"), "/", "id");
  expect(problem.headers.get("x-content-type-options")).toBe("nosniff");
});

describe("a path", () => {
  it.each([
    ["PUT", "/v1/videos", "POST, GET, HEAD"],
    ["PATCH", "/v1/videos/video_1", "GET, HEAD, DELETE"],
    ["GET", "/v1/videos/video_1/cancel", "POST"],
    ["DELETE", "/v1/models", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["POST", "/openapi.json", "GET, HEAD"],
  ])("a path that does not take %s %s says which methods it takes", async (method, path, methods) => {
    const answer = await api.send(method, path);
    expect(answer.headers.get("allow")!.split(", ").sort()).toEqual(methods.split(", ").sort());
    await expectProblem(answer, "method_not_allowed");
  });

  it.each(["/v1/videos/", "/v1/triggers/", "/v1/videos//content", "/v1/Videos", "/v2/videos", "/v1"])(
    "the path %s is not found",
    async (path) => {
      await expectProblem(await api.send("GET", path), "not_found");
    },
  );

  it("a slash at the end of a path does not count, unless an item without an id would become its list", async () => {
    const created = await api.send("POST", "/v1/videos/", { json: { prompt: "a" } });
    const { id } = (await created.json()) as { id: string };
    expect((await api.send("GET", `/v1/videos/${id}/`)).status).toBe(200);
    expect((await api.send("GET", `/v1/videos/${id}/events/`)).status).toBe(200);
    await expectProblem(await api.send("GET", "/v1/videos/"), "not_found");
    await expectProblem(await api.send("POST", "/v1/webhook_endpoints/", { json: {} }), "not_found");
    expect((await api.send("DELETE", "/v1/videos/")).status).toBe(404);
    expect((await api.send("DELETE", `/v1/videos/${id}/`)).status).toBe(200);
  });

  it.each(["a%2Fb%3Fc", "%00", "%2e%2e%2fapi-keys", "%ff", "video_%2A", "x".repeat(5000), "__proto__"])(
    "the odd id %s finds no video, endpoint, trigger or model",
    async (id) => {
      await expectProblem(await api.send("GET", `/v1/videos/${id}`), "video_not_found");
      for (const kind of ["webhook_endpoints", "triggers", "models"]) {
        await expectProblem(await api.send("GET", `/v1/${kind}/${id}`), "not_found");
      }
    },
  );
});

describe("HEAD", () => {
  it("HEAD has the headers of GET and no body", async () => {
    const { id } = await api.create();
    for (const path of ["/healthz", `/v1/videos/${id}`, "/v1/videos"]) {
      const [get, head] = [await api.send("GET", path), await api.send("HEAD", path)];
      expect([head.status, await head.text()]).toEqual([200, ""]);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    }
    expect((await api.send("HEAD", "/v1/videos", { key: null })).status).toBe(401);
  });
});

describe("a script of another origin", () => {
  const origin = { origin: "https://app.example.com" };

  it("a script of another origin may send a key and any header, and its preflight needs no key", async () => {
    const answer = await api.send("OPTIONS", "/v1/videos", {
      key: null,
      headers: {
        ...origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,idempotency-key,x-stainless-retry-count",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-methods")).toMatch(/\bPOST\b.*\bDELETE\b/);
    expect(answer.headers.get("access-control-allow-headers")).toMatch(/authorization,\s*idempotency-key/);
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("a script of another origin may read answers, errors and the headers that clients act on", async () => {
    for (const key of [api.ownKey, null]) {
      const answer = await api.send("GET", "/v1/videos", { key, headers: origin });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toMatch(/x-request-id.*x-should-retry/);
    }
  });
});

describe("a request's id", () => {
  it("every answer has a request id of its own", async () => {
    const ids = new Set<string | null>();
    for (const path of ["/healthz", "/v1/videos", "/v1/nothing", "/nothing"]) {
      ids.add((await api.send("GET", path)).headers.get("x-request-id"));
    }
    expect(ids.size).toBe(4);
    expect(ids).not.toContain(null);
  });

  it("a request id of the caller is kept only if it is a plain word", async () => {
    const echoed = async (id: string) =>
      (await api.send("GET", "/healthz", { headers: { "x-request-id": id } })).headers.get("x-request-id");
    expect(await echoed("abc-123")).toBe("abc-123");
    for (const id of ["a b", "<script>", "x".repeat(300)]) expect(await echoed(id)).not.toBe(id);
  });
});

describe("the log", () => {
  it("the log has a line for each request, with its id and its video's, and nothing confidential", async () => {
    const secrets = ["a private prompt", "https://hooks.example.com/token", "private-metadata", api.ownKey];
    const [prompt, webhook_url, order] = secrets;
    const { id } = await api.create({ prompt, webhook_url, negative_prompt: prompt, metadata: { order } });
    log = "";
    await api.send("POST", "/v1/videos", { json: { prompt, webhook_url, bad: prompt, metadata: { order } } });
    await api.send("GET", `/v1/videos/${id}/content?variant=${order}`, { headers: { "x-request-id": "r1" } });
    await api.send("GET", `/v1/videos?metadata[order]=${order}`);
    await api.send("GET", `/v1/${order}`);
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ method, route, status }) => [method, route, status])).toEqual([
      ["POST", "/v1/videos", 400],
      ["GET", "/v1/videos/:id/content", 400],
      ["GET", "/v1/videos", 200],
      ["GET", "/v1/*", 404],
    ]);
    expect(lines[1]).toMatchObject({ requestId: "r1", videoId: id, keyId: api.ownKey.split("_")[1] });
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});

it("the health route tells anybody that the service is up, and its version", async () => {
  const answer = await api.send("GET", "/healthz", { key: null });
  expect(await answer.json()).toEqual({ status: "ok", version: "0.0.0-test" });
});

it("the health route says why no video is made, where that is known, and still answers with 200", async () => {
  const reason = "The GPU function does not answer.";
  const { send } = await testApi({ fault: () => reason });
  const answer = await send("GET", "/healthz", { key: null });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: "degraded", version: "0.0.0-test", reason });
});

it("the list of models holds the models of the deployment", async () => {
  const model = {
    id: "demo",
    object: "model",
    created: 0,
    owned_by: "adareel",
    loras: [],
    sizes: ["64x64"],
    num_frames: [16],
    fps: [8],
    steps: 30,
    guidance_scale: 2,
    takes_image: false,
    needs_image: false,
    takes_last_image: false,
    needs_last_image: false,
  };
  expect(await (await api.send("GET", "/v1/models")).json()).toEqual({ object: "list", data: [model] });
  expect(await (await api.send("GET", "/v1/models/demo")).json()).toEqual(model);
});
