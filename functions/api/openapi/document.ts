import type { RouterRoute } from "hono/types";
import * as z from "zod";
import { PROBLEM_CODES, type ProblemCode, STATUS_OF } from "../problem.ts";
import { type Operation, operationsOf } from "./operation.ts";

type Json = Record<string, unknown>;

/** Codes that every request with a key can fail with: an invalid key, or a failure of the service. */
const USUAL: readonly ProblemCode[] = ["invalid_api_key", "internal_error", "storage_unavailable"];
const USUAL_WITH_BODY: readonly ProblemCode[] = [
  "invalid_value",
  "unknown_parameter",
  "unsupported_parameter",
  "invalid_json",
  "invalid_multipart",
  "body_too_large",
  "unsupported_media_type",
];

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    request_id: z.string(),
    error: z.object({
      message: z.string(),
      type: z.enum(["invalid_request_error", "server_error"]),
      param: z.string().nullable(),
      code: z.enum(PROBLEM_CODES),
    }),
  })
  .meta({ id: "Problem" });

/**
 * Builds the OpenAPI 3.1 document of an app's routes. Its schemas are the ones that validate requests, so the
 * document and the validation cannot disagree.
 *
 * @throws Error for a route under /v1 that is not declared
 */
export function openApiDocument({
  routes,
  version,
}: {
  readonly routes: readonly RouterRoute[];
  readonly version: string;
}): Json {
  const components: Record<string, Json> = { Problem: toSchema(problemSchema, "output", {}) };
  const paths: Record<string, Json> = {};
  for (const operation of operationsOf(routes)) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method] = operationObject(operation, components);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Adareel",
      version,
      description: "Text to video that spends on each video only the denoising steps it needs.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", bearerFormat: "adr_<id>_<secret>" } },
      schemas: components,
    },
  };
}

/**
 * Returns a function that builds the document at its first call and caches it. Building takes longer than most
 * requests, and the result never changes.
 */
export function openApiOnce(make: () => Json): () => Json {
  let document: Json | null = null;
  return () => {
    document ??= make();
    return document;
  };
}

function operationObject(operation: Operation, components: Record<string, Json>): Json {
  const { id, tag, summary, description, isPublic, body, returns } = operation;
  const content = body && { schema: toSchema(body, "input", components) };
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(isPublic && { security: [] }),
    parameters: parametersOf(operation, components),
    ...(content && {
      requestBody: { content: { "application/json": content, "multipart/form-data": content } },
    }),
    responses: {
      ...(returns && {
        200: {
          description: "Done.",
          content: { "application/json": { schema: toSchema(returns, "output", components) } },
        },
      }),
      ...Object.fromEntries(
        Object.entries(operation.responses ?? {}).map(([status, text]) => [status, { description: text }]),
      ),
      ...problemsOf(operation),
    },
  };
}

function parametersOf({ path, query, headers = {} }: Operation, components: Record<string, Json>): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const { properties = {}, required = [] } = (query ? toSchema(query, "input", components) : {}) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
  const inHeader = Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

/** Returns the error responses of an operation, by status. */
function problemsOf({ problems = [], body, query, isPublic }: Operation): Json {
  const codes = new Set([
    ...problems,
    ...(body ? USUAL_WITH_BODY : query ? (["invalid_value", "unknown_parameter"] as const) : []),
    ...(isPublic ? (["internal_error"] as const) : USUAL),
  ]);
  const statuses = [...new Set([...codes].map((code) => STATUS_OF[code]))].sort();
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: `One of the codes ${[...codes].filter((code) => STATUS_OF[code] === status).join(", ")}.`,
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
}

/** Converts a zod schema to JSON Schema. Schemas with an id are put into `components` and referenced. */
function toSchema(schema: z.ZodType, io: "input" | "output", components: Record<string, Json>): Json {
  const {
    $schema: _,
    $defs = {},
    ...json
  } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json & {
    $defs?: Record<string, Json>;
  };
  for (const [id, definition] of Object.entries($defs)) components[id] ??= referring(definition);
  const { id } = schema.meta() ?? {};
  if (!id) return referring(json);
  components[id] ??= referring(json);
  return { $ref: `#/components/schemas/${id}` };
}

function referring(json: Json): Json {
  const text = JSON.stringify(json, (name, value: unknown) =>
    name === "id" && value === json.id ? undefined : value,
  );
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}
