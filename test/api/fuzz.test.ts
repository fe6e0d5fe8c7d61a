import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Operation } from "../../functions/api/openapi/operation.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { arbitraryJson, type Schema } from "./arbitrary-json.ts";
import { formOf } from "./form.ts";
import { EXAMPLES, expectDocumented, OPERATIONS, pathOf } from "./routes.ts";
import { type SendOptions, type TestApi, testApi } from "./support.ts";

/** Number of generated requests for all operations together. */
const CASES = 1000;

let api: TestApi;
const ids: Record<string, string> = { models: "demo" };
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
  const created = async (path: string, json: object) =>
    ((await (await api.send("POST", path, { json })).json()) as { id: string }).id;
  ids.videos = await created("/v1/videos", { prompt: "a" });
  ids.webhook_endpoints = await created("/v1/webhook_endpoints", { url: "https://hooks.example.com" });
  ids.triggers = await created("/v1/triggers", { prompt: "{{/a}}", signature: { scheme: "bearer" } });
});

/** Placeholder in a path for the id of an existing resource. */
const REAL = "real";
const id = fc.oneof(
  { weight: 3, arbitrary: fc.constant(REAL) },
  fc.stringMatching(/^video_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
  fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text !== "." && text !== ".."),
);

const parameter = fc.tuple(
  fc.oneof(
    fc.constantFrom("after", "limit", "order", "status", "variant", "metadata[a]", "__proto__"),
    fc.string(),
  ),
  fc.oneof(fc.constantFrom("", "1", "-1", "desc", "video", "failed"), fc.string({ unit: "grapheme" })),
);

const headers = fc.record(
  {
    "idempotency-key": fc.string({ minLength: 1, maxLength: 3 }),
    "x-stainless-retry-count": fc.constantFrom("0", "1", "x"),
    prefer: fc.constantFrom("wait=0", "wait=-1", "respond-async"),
    "content-type": fc.constantFrom("application/json", "multipart/form-data; boundary=x", "text/plain", "/"),
  },
  { requiredKeys: [] },
);

function bodyOf({ id: operation, body }: Operation): fc.Arbitrary<SendOptions> {
  if (!body) return fc.constant({});
  const schema = z.toJSONSchema(body, { io: "input", unrepresentable: "any" }) as Schema;
  const members = Object.entries(schema.properties!).map(([name, member]) =>
    arbitraryJson(member).map((value) => ({ ...EXAMPLES[operation], [name]: value })),
  );
  const json = fc.oneof(arbitraryJson(schema), fc.constant(EXAMPLES[operation] ?? {}), ...members);
  return fc.oneof(
    { weight: 6, arbitrary: json.map((value) => ({ json: value })) },
    { weight: 3, arbitrary: json.map((value) => ({ form: formOf(Object(value) as object) })) },
    { weight: 1, arbitrary: fc.uint8Array().map((bytes) => ({ body: bytes })) },
  );
}

describe("fuzzed requests", () => {
  it.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    "every answer of %s is documented, and none is an internal error",
    async (_id, operation) => {
      const request = fc.record({
        id,
        query: fc.array(parameter, { maxLength: 3 }),
        headers,
        body: bodyOf(operation),
      });
      const kind = operation.path.split("/")[2]!;
      await fc.assert(
        fc.asyncProperty(request, async ({ id, query, headers, body }) => {
          const path = pathOf(
            operation,
            encodeURIComponent(id === REAL ? (ids[kind] ?? "") : id.toWellFormed()),
          );
          const search = query.length > 0 ? `?${new URLSearchParams(query)}` : "";
          // Without a body there is no content type, and fetch sets that of a form with its boundary.
          const { "content-type": contentType, ...others } = headers;
          const typed = body.body && contentType ? { ...others, "content-type": contentType } : others;
          const method = operation.method.toUpperCase();
          const answer = await api.send(method, path + search, { ...body, headers: typed });
          expect(answer.status).toBeLessThan(500);
          await expectDocumented(operation, answer);
        }),
        { numRuns: Math.ceil(CASES / OPERATIONS.length) },
      );
    },
  );
});
