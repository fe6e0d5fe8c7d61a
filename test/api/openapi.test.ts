import { Validator } from "@seriousme/openapi-schema-validator";
import { Hono } from "hono";
import { beforeAll, describe, expect, it } from "vitest";
import { openApiDocument } from "../../functions/api/openapi/document.ts";
import { operation } from "../../functions/api/openapi/operation.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { DOCUMENT, EXAMPLES, expectDocumented, OPERATIONS, pathOf } from "./routes.ts";
import { type SendOptions, type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

describe("the document", () => {
  it("the OpenAPI document is what the API serves, to anybody", async () => {
    const served = await api.send("GET", "/openapi.json", { key: null });
    expect(await served.json()).toMatchObject({
      openapi: "3.1.0",
      paths: JSON.parse(JSON.stringify(DOCUMENT.paths)),
    });
  });

  it("the OpenAPI document is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      structuredClone(DOCUMENT) as unknown as Record<string, unknown>,
    );
    expect(errors).toBeUndefined();
    expect([valid, validator.version]).toEqual([true, "3.1"]);
  });

  it("the OpenAPI document has no dangling reference", () => {
    const refs = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref!);
    const known = Object.keys(DOCUMENT.components.schemas).map((id) => `#/components/schemas/${id}`);
    expect(refs).not.toEqual([]);
    expect(refs.filter((ref) => !known.includes(ref))).toEqual([]);
    expect(known.filter((id) => !refs.includes(id))).toEqual([]);
    const schemas = Object.values(DOCUMENT.components.schemas);
    expect(schemas.filter((schema) => !("properties" in schema))).toEqual([]);
  });

  it("the OpenAPI document has an operation for every route, a route for every operation, and no id twice", () => {
    /** Routes for people, of another protocol, and of the document itself. */
    const unlisted = [
      ...["/", "/docs", "/docs/{page}", "/docs/search.json", "/assets/{name}"],
      ...["/mcp", "/openapi.json"],
    ];
    const routes = api.app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .filter((route) => !unlisted.includes(route.split(" ")[1]!));
    const documented = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect([...new Set(routes)].sort()).toEqual([...documented].sort());
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  it("the OpenAPI document describes JSON with null, both kinds of forms, and the choices of the models", () => {
    interface Body {
      readonly requestBody: {
        readonly content: Record<
          string,
          { schema: { properties: Record<string, object> }; encoding?: Record<string, object> }
        >;
      };
    }
    const { content } = (DOCUMENT.paths["/v1/videos"]!.post as unknown as Body).requestBody;
    const [json, multipart, simple] = [
      "application/json",
      "multipart/form-data",
      "application/x-www-form-urlencoded",
    ].map((type) => content[type]!);
    expect(json!.schema.properties).toMatchObject({
      prompt: { type: "string" },
      size: { anyOf: [{ enum: ["64x64"] }, { type: "null" }] },
      num_frames: { anyOf: [{ enum: [16] }, { type: "null" }] },
      seed: { anyOf: [{ type: "integer", minimum: -1 }, { type: "null" }] },
      metadata: { anyOf: [{ type: "object", maxProperties: 16 }, { type: "null" }] },
      cache_policy: { anyOf: expect.arrayContaining([{ type: "null" }]) },
    });
    expect(multipart!.schema.properties).toMatchObject({
      model: { anyOf: [{ type: "string", enum: ["demo"] }, { type: "null" }, { enum: [""] }] },
      compare: { anyOf: [{ type: "boolean" }, { type: "null" }, { enum: [""] }, { enum: [0, 1] }] },
    });
    expect(multipart!.encoding).toMatchObject({
      cache: { contentType: "application/json" },
      webhook_events: { style: "form", explode: true },
    });
    expect(simple!.encoding).toMatchObject({ metadata: { style: "deepObject", explode: true } });
  });

  it("the document cannot be made of an app with a route that is not declared", () => {
    const app = new Hono()
      .get("/v1/things", (c) => c.json([]))
      .get("/v1/things/:id", operation({ id: "getThing", tag: "Models", summary: "A thing" }), (c) =>
        c.json({}),
      )
      .get("/page", (c) => c.text(""));
    expect(() => openApiDocument({ ...api.deps, routes: app.routes })).toThrow(
      "These routes declare no operation: GET /v1/things.",
    );
  });

  it("the OpenAPI document requires a body where an empty one is refused", () => {
    const required = OPERATIONS.filter(({ method, path }) => {
      return DOCUMENT.paths[path]![method]!.requestBody?.required;
    });
    expect(required.map(({ id }) => id).sort()).toEqual([
      "createTrigger",
      "createVideo",
      "createWebhookEndpoint",
      "dryRunTrigger",
      "quoteVideo",
      "remixVideo",
    ]);
  });

  it("the OpenAPI document has the bounds of headers and queries that the API checks", async () => {
    const bounds = async (id: string, name: string) => {
      const { method, path } = OPERATIONS.find((operation) => operation.id === id)!;
      const { schema } = DOCUMENT.paths[path]![method]!.parameters.find((each) => each.name === name)!;
      return { pattern: new RegExp(schema.pattern ?? ""), values: schema.enum };
    };
    const { pattern: keys } = await bounds("createVideo", "Idempotency-Key");
    for (const [key, status] of [
      ["a", 200],
      ["a b", 200],
      ["", 400],
      ["é", 400],
      ["a".repeat(256), 400],
    ] as const) {
      const headers = { "idempotency-key": key };
      const answer = await api.send("POST", "/v1/videos", { json: { prompt: "a" }, headers });
      expect([answer.status, keys.test(key)], key).toEqual([status, status === 200]);
    }
    const { pattern: ids } = await bounds("listVideos", "after");
    for (const [after, status] of [
      ["video_01m8kyv6f5zm34b35jvnzcxjs8", 200],
      ["video_1", 400],
    ] as const) {
      const answer = await api.send("GET", `/v1/videos?after=${after}`);
      expect([answer.status, ids.test(after)], after).toEqual([status, status === 200]);
    }
    expect((await bounds("getVideoContent", "variant")).values).toEqual(["video", "thumbnail", "uncached"]);
  });

  it("the OpenAPI document names every parameter of a path", () => {
    for (const { path } of OPERATIONS)
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(path.includes("{") ? ["{id}"] : []);
  });
});

describe("a real answer", () => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    const { id } = await api.create({ ...EXAMPLES.createVideo, compare: true });
    await api.complete(id);
    await api.deliver(id);
    await api.create();
    const created = async (path: string, json: object) =>
      ((await (await api.send("POST", path, { json })).json()) as { id: string }).id;
    ids.videos = id;
    ids.webhook_endpoints = await created("/v1/webhook_endpoints", EXAMPLES.createWebhookEndpoint!);
    ids.triggers = await created("/v1/triggers", EXAMPLES.createTrigger!);
    ids.models = "demo";
  });

  it.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    "a real answer of %s has exactly the members that the OpenAPI document names",
    async (name, operation) => {
      const path = pathOf(operation, ids[operation.path.split("/")[2]!] ?? "");
      const options: SendOptions = operation.body ? { json: EXAMPLES[name] ?? {} } : {};
      const answer = await api.send(operation.method.toUpperCase(), path, options);
      expect(answer.status).toBe(name === "invokeTrigger" ? 401 : name === "getVideoContent" ? 302 : 200);
      await expectDocumented(operation, answer);
    },
  );

  it("a video in every state has exactly the members that the OpenAPI document names", async () => {
    const get = OPERATIONS.find(({ id }) => id === "getVideo")!;
    const expectVideo = async (id: string) =>
      expectDocumented(get, await api.send("GET", `/v1/videos/${id}`));
    const { id } = await api.create();
    const { attempt } = await api.claim(id);
    await expectVideo(id);
    const progress = {
      stage: "denoise",
      steps: 30,
      done: 2,
      computed: 2,
      taken: "cc",
      secondsLeft: 3,
      preview: null,
    } as const;
    await api.apply(id, { type: "renew", owner: "worker", attempt, leaseMs: 1, progress });
    await expectVideo(id);
    await api.send("POST", `/v1/videos/${id}/cancel`);
    await expectVideo(id);
  });
});
