import type { RouterRoute } from "hono/types";
import * as z from "zod";
import { PROBLEM_CODES, type ProblemCode, STATUS_OF } from "../problem.ts";
import { WAIT_SECONDS_MAX } from "../routes/video-order.ts";
import { type Deployment, type Examples, type OperationExamples, sampleId } from "./examples/example.ts";
import { operationExamples } from "./examples/operation-examples.ts";
import { problemExample } from "./examples/problem-examples.ts";
import { DONE, type Operation, operationsOf } from "./operation.ts";
import { requestBodies } from "./request-bodies.ts";

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
      after: z.string().optional().describe("Id to continue after, with the code `filter_unfinished`."),
    }),
  })
  .meta({ id: "Problem" });

interface DocumentOptions extends Deployment {
  readonly routes: readonly RouterRoute[];
  readonly version: string;
}

/** Parts of the description of an operation, besides its declaration. */
interface Making {
  readonly deployment: Deployment;
  readonly examples: OperationExamples;
  /** Schemas with a name, which the description may add to. */
  readonly components: Record<string, Json>;
}

/**
 * Builds the OpenAPI 3.1 document of an app's routes. Its schemas are the ones that validate requests, so the
 * document and the validation cannot disagree. Its examples fit this deployment.
 *
 * @throws Error for a route under /v1 that is not declared
 */
export function openApiDocument({ routes, version, ...deployment }: DocumentOptions): Json {
  const components: Record<string, Json> = {};
  toSchema(problemSchema, "output", components);
  const examples = operationExamples(deployment, version);
  const paths: Record<string, Json> = {};
  for (const operation of operationsOf(routes)) {
    const making = { deployment, examples: examples[operation.id] ?? {}, components };
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method] = operationObject(operation, making);
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

function operationObject(operation: Operation, making: Making): Json {
  const { id, tag, summary, description, isPublic, body } = operation;
  const { components, examples } = making;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(isPublic && { security: [] }),
    parameters: parametersOf(operation, making),
    ...(body && {
      requestBody: {
        // A missing body counts as an empty object.
        required: !body.safeParse({}).success,
        content: requestBodies(
          toSchema(body, "input", components),
          named(examples.bodies),
          making.deployment,
        ),
      },
    }),
    responses: { ...answersOf(operation, making), ...problemsOf(operation, making) },
  };
}

/** Returns the successful responses of an operation, by status. */
function answersOf({ returns, responses = {} }: Operation, { components, examples }: Making): Json {
  const json = (schema: z.ZodType, given: Examples | undefined) => ({
    content: { "application/json": { schema: toSchema(schema, "output", components), ...named(given) } },
  });
  const others = Object.entries(responses).map(([status, { text, returns, mediaType }]) => {
    const own = examples.otherAnswers?.[Number(status)];
    // OpenAPI 3.1 cannot describe one event of a stream, and readers apply a schema to each of them.
    const schema = mediaType === "text/event-stream" ? {} : { schema: { type: "string" } };
    const content = mediaType && { content: { [mediaType]: { ...schema, ...named(own) } } };
    return [status, { description: text, ...(returns ? json(returns, own) : content) }];
  });
  return {
    ...(returns && { 200: { description: DONE, ...json(returns, examples.answers) } }),
    ...Object.fromEntries(others),
  };
}

const named = (examples: Examples | undefined) => examples && { examples };

/** Examples of the headers that operations take. */
const HEADER_EXAMPLES: Readonly<Record<string, string>> = {
  "Idempotency-Key": "order-42",
  Prefer: `wait=${WAIT_SECONDS_MAX}`,
};

function parametersOf(operation: Operation, { deployment, components }: Making): Json[] {
  const { path, query, headers = {} } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    example: sampleId(operation, deployment),
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
  const inHeader = Object.entries(headers).map(([name, header]) => {
    const { description, ...schema } = toSchema(header, "input", components);
    const example = HEADER_EXAMPLES[name];
    return { name, in: "header", description, ...(example && { example }), schema };
  });
  return [...inPath, ...inQuery, ...inHeader];
}

/** Returns the error responses of an operation, by status. */
function problemsOf(operation: Operation, making: Making): Json {
  const { problems = [], body, query, isPublic } = operation;
  const codes = new Set([
    ...problems,
    ...(body ? USUAL_WITH_BODY : query ? (["invalid_value", "unknown_parameter"] as const) : []),
    ...(isPublic ? (["internal_error"] as const) : USUAL),
  ]);
  const statuses = [...new Set([...codes].map((code) => STATUS_OF[code]))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const own = [...codes].filter((code) => STATUS_OF[code] === status);
      const examples = Object.fromEntries(own.map((code) => [code, problemExample(code, operation, making)]));
      const schema = { $ref: "#/components/schemas/Problem" };
      return [
        status,
        {
          description: `One of the codes ${own.join(", ")}.`,
          content: { "application/problem+json": { schema, examples } },
        },
      ];
    }),
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
