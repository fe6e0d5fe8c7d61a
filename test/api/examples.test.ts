import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { openApiDocument } from "../../functions/api/openapi/document.ts";
import { problemExample } from "../../functions/api/openapi/examples/problem-examples.ts";
import { PROBLEM_CODES, type ProblemCode, STATUS_OF } from "../../functions/api/problem.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { provoke } from "./provocations.ts";
import { OPERATIONS } from "./routes.ts";
import { type TestApi, testApi } from "./support.ts";

interface Content {
  /** Left out for a stream of events. */
  readonly schema?: object;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
}

interface Described {
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

const api: TestApi = await testApi({ store: memoryStore() });
const document = JSON.parse(JSON.stringify(openApiDocument({ ...api.deps, routes: api.app.routes }))) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};
const described = ({ path, method }: { path: string; method: string }) => document.paths[path]![method]!;

/** Returns a validator of a schema of the document, with the schemas that it refers to in their places. */
function validator(schema: object): z.ZodType {
  const whole = (_name: string, value: unknown): unknown => {
    const { $ref } = (value ?? {}) as { $ref?: string };
    const component = $ref && document.components.schemas[$ref.slice("#/components/schemas/".length)];
    return component ? JSON.parse(JSON.stringify(component, whole)) : value;
  };
  return z.fromJSONSchema(JSON.parse(JSON.stringify(schema, whole)));
}

/** Contents of JSON of an operation, each with its place. */
function contentsOf({ requestBody, responses }: Described): [place: string, content: Content][] {
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, each]): [string, Content] => [`${status} ${type}`, each]),
  );
  const body = requestBody?.content["application/json"];
  return [...(body ? [["body", body] as [string, Content]] : []), ...answers].filter(
    ([place]) => !place.includes("svg"),
  );
}

describe("the examples of the OpenAPI document", () => {
  test.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    "every body and answer of %s has examples, and they fit its schema",
    (_id, operation) => {
      for (const [place, { schema = {}, examples = {} }] of contentsOf(described(operation))) {
        expect(Object.keys(examples).length, place).toBeGreaterThan(0);
        for (const [name, { summary, value }] of Object.entries(examples)) {
          expect(validator(schema).safeParse(value).error, `${place} ${name}`).toBeUndefined();
          expect(summary, `${place} ${name}`).toMatch(/\S/);
        }
      }
    },
  );

  test("an example that lacks a member or has a wrong one does not fit its schema", () => {
    const { schema, examples } = described({ path: "/v1/videos/{id}", method: "get" }).responses["200"]!
      .content!["application/json"]!;
    const video = examples!.completed!.value as object;
    expect(validator(schema!).safeParse({ ...video, progress: 101 }).success).toBe(false);
    expect(validator(schema!).safeParse({ ...video, size: undefined }).success).toBe(false);
  });

  test.each(OPERATIONS.flatMap(({ id, returns, ...rest }) => (returns ? [{ id, returns, ...rest }] : [])))(
    "the examples of $id have exactly the members that its answers have",
    ({ returns, path, method }) => {
      const { examples } = described({ path, method }).responses["200"]!.content!["application/json"]!;
      for (const { value } of Object.values(examples!)) expect(returns.parse(value)).toEqual(value);
    },
  );

  test("a completed, a queued and a failed video are among the examples", () => {
    const { examples } = described({ path: "/v1/videos/{id}", method: "get" }).responses["200"]!.content![
      "application/json"
    ]!;
    expect(examples!.completed!.value).toMatchObject({
      status: "completed",
      url: expect.stringContaining("X-Amz-Signature="),
      compute: { steps: { requested: 30, computed: 11 }, cache: { policy: "fast" } },
    });
    expect(examples!.queued!.value).toMatchObject({ status: "queued", queue_position: 0, url: null });
    expect(examples!.failed!.value).toMatchObject({
      status: "failed",
      error: { code: "deadline_exceeded", message: "The job was not finished by its deadline." },
    });
  });

  test("the steps of the sample receipt are all the steps of its request, each once", () => {
    const { examples } = described({ path: "/v1/videos/{id}", method: "get" }).responses["200"]!.content![
      "application/json"
    ]!;
    const { params, compute } = examples!.completed!.value as {
      params: { steps: number };
      compute: { steps: { computed_indices: number[]; reused_indices: number[] } };
    };
    const all = [...compute.steps.computed_indices, ...compute.steps.reused_indices];
    expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: params.steps }, (_, i) => i + 1));
  });
});

describe("an example of a request", () => {
  const ids: Record<string, string> = { models: "demo" };
  beforeAll(async () => {
    const created = async (path: string, json: object) =>
      ((await (await api.send("POST", path, { json })).json()) as { id: string }).id;
    const bodyOf = (path: string) =>
      Object.values(
        described({ path, method: "post" }).requestBody!.content["application/json"]!.examples!,
      )[0]!.value as object;
    for (const kind of ["videos", "webhook_endpoints", "triggers"]) {
      ids[kind] = await created(`/v1/${kind}`, bodyOf(`/v1/${kind}`));
    }
  });

  const bodies = OPERATIONS.flatMap((operation) =>
    Object.entries(described(operation).requestBody?.content["application/json"]?.examples ?? {}).map(
      ([name, { value }]) => ({ id: operation.id, name, operation, value }),
    ),
  );
  test.each(bodies)("the API takes the body $name of $id", async ({ operation, value }) => {
    const path = operation.path.replace("{id}", ids[operation.path.split("/")[2]!] ?? "");
    const answer = await api.send(operation.method.toUpperCase(), path, { json: value });
    expect([answer.status, answer.status === 200 ? null : await answer.text()]).toEqual([200, null]);
  });

  test("a dry run of the sample payload answers what its example says", async () => {
    const { requestBody, responses } = described({ path: "/v1/triggers/{id}/dry_run", method: "post" });
    const json = requestBody!.content["application/json"]!.examples!.opened!.value;
    const { trigger_id, ...expected } = responses["200"]!.content!["application/json"]!.examples!.made!
      .value as Record<string, unknown>;
    const answer = await api.send("POST", `/v1/triggers/${ids.triggers}/dry_run`, { json });
    expect(await answer.json()).toEqual({ ...expected, trigger_id: ids.triggers });
  });
});

describe("an example of an error", () => {
  const errors = OPERATIONS.flatMap((operation) =>
    Object.entries(described(operation).responses)
      .filter(([status]) => status >= "400")
      .flatMap(([, { content }]) =>
        Object.entries(content!["application/problem+json"]!.examples!).map(([code, { value }]) => ({
          id: operation.id,
          code: code as ProblemCode,
          operation,
          value: value as { request_id: string; status: number; detail: string; error: object },
        })),
      ),
  );

  test("every error that belongs to an operation has an example", () => {
    const aside: ProblemCode[] = ["response_too_large", "method_not_allowed", "not_supported"];
    const codes = new Set(errors.map(({ code }) => code));
    expect(PROBLEM_CODES.filter((code) => !codes.has(code)).sort()).toEqual(aside.sort());
  });

  test.each<[ProblemCode, string, string]>([
    ["method_not_allowed", "PUT", "/v1/videos"],
    ["not_supported", "POST", "/v1/videos/edits"],
  ])("the API answers with the example of %s, which belongs to no operation", async (code, method, path) => {
    const { value } = problemExample(code, null, { deployment: api.deps, examples: {} });
    const { request_id: id } = value as { request_id: string };
    const answer = (await (await api.send(method, path, { json: {} })).json()) as object;
    expect({ ...answer, request_id: id }).toEqual(value);
  });

  test.each(errors)("the API answers $id with the example of $code", async ({ operation, code, value }) => {
    const answer = await provoke(operation, code);
    const { detail, status, error, request_id: requestId } = (await answer.json()) as typeof value;
    const own = (text: object | string) =>
      JSON.parse(JSON.stringify(text).replaceAll(requestId, value.request_id)) as unknown;
    expect({ detail: own(detail), status, error: own(error) }).toEqual({
      detail: value.detail,
      status: STATUS_OF[code],
      error: value.error,
    });
  });
});
