import type { HonoRequest, MiddlewareHandler } from "hono";
import * as z from "zod";
import { ourName } from "../../../lib/generation/request/index.ts";
import { examined, nameOf } from "../../../lib/shared/sentences/index.ts";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";
import { formToJson, type JsonSchema } from "./form.ts";
import { parseJson } from "./parse-json.ts";
import { readBody } from "./read-body.ts";

/**
 * Reads and validates the body of a request, which is JSON or a multipart form. The handler gets the result from
 * `c.req.valid("json")`. A missing body counts as an empty object.
 *
 * @throws ApiError from the middleware if the body is invalid
 */
export function body<Schema extends z.ZodType>(
  schema: Schema,
  bytesMax: number,
): MiddlewareHandler<ApiEnv, string, { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }> {
  let jsonSchema: JsonSchema | undefined;
  // The schema is built on demand: only forms need it, and building all schemas takes longer than creating the app.
  const formSchema = () => {
    jsonSchema ??= z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
    return jsonSchema;
  };
  return async function body(c, next) {
    const bytes = await readBody(c.req, bytesMax);
    const given = await decode(bytes, c.req, formSchema);
    checkNesting(given);
    c.req.addValidatedData("json", check(schema, unwrapped(given)) as object);
    await next();
  };
}

/** Reads and validates the query of a request; the handler gets it from `c.req.valid("query")`. */
export function query<Schema extends z.ZodType>(
  schema: Schema,
): MiddlewareHandler<ApiEnv, string, { in: { query: z.input<Schema> }; out: { query: z.output<Schema> } }> {
  return async function query(c, next) {
    const given = Object.fromEntries(queryEntries(c.req));
    c.req.addValidatedData("query", check(schema, given, "The query") as object);
    await next();
  };
}

/**
 * Returns the names and values of a query.
 *
 * @throws ApiError for a name that is given more than once
 */
export function queryEntries(request: HonoRequest): [name: string, value: string][] {
  return Object.entries(request.queries()).map(([name, values]) => {
    if (values.length > 1)
      throw new ApiError("invalid_value", `${nameOf(name)} is given more than once.`, {
        param: name,
      });
    return [name, values[0]!];
  });
}

async function decode(
  bytes: Uint8Array<ArrayBuffer>,
  request: HonoRequest,
  formSchema: () => JsonSchema,
): Promise<unknown> {
  const coding = request.header("content-encoding") ?? "identity";
  if (coding.toLowerCase() !== "identity")
    throw new ApiError("unsupported_media_type", "Send the body without a content encoding.");
  if (bytes.length === 0) return {};
  const contentType = request.header("content-type") ?? "";
  const mediaType = contentType.split(";")[0]!.trim().toLowerCase();
  if (mediaType === "application/json") return parseJson(bytes, "The body");
  if (mediaType === "multipart/form-data") return parseForm(bytes, contentType, formSchema());
  const said = mediaType === "" ? "which is missing" : `not ${nameOf(mediaType)}`;
  throw new ApiError(
    "unsupported_media_type",
    `The header Content-Type must be application/json or multipart/form-data, ${said}.`,
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function parseForm(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  schema: JsonSchema,
): Promise<unknown> {
  const unreadable = (cause: unknown): never => {
    throw new ApiError("invalid_multipart", "The body is not a complete multipart form in UTF-8.", { cause });
  };
  const form = await new Response(bytes, { headers: { "content-type": contentType } })
    .formData()
    .catch(unreadable);
  const given = formToJson(form, schema);
  // The parser replaces invalid UTF-8 with U+FFFD, so the bytes are checked. Files were already refused.
  try {
    utf8.decode(bytes);
  } catch (cause) {
    unreadable(cause);
  }
  return given;
}

/** Maximum depth of a body. Schemas that accept any object do not limit it. */
const DEPTH_MAX = 16;

/**
 * Checks the depth of a body, and refuses `__proto__`: JSON allows it as a name, and strict schemas ignore
 * it.
 *
 * @throws ApiError
 */
function checkNesting(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > DEPTH_MAX)
    throw new ApiError("invalid_value", `The body is nested more than ${DEPTH_MAX} levels deep.`);
  if (Object.hasOwn(value, "__proto__"))
    throw new ApiError("unknown_parameter", "There is no field __proto__.", { param: "__proto__" });
  for (const member of Object.values(value)) checkNesting(member, depth + 1);
}

/** Merges the fields of `extra_body`, in which some proxies put fields that they do not know. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("extra_body" in value)) return value;
  const { extra_body: extra, ...rest } = value;
  return typeof extra === "object" && extra !== null && !Array.isArray(extra) ? { ...extra, ...rest } : value;
}

/**
 * Validates a value.
 *
 * @param whole name of the value in an error about all of it
 * @throws ApiError that names the first invalid field, without its value
 */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole = "The body",
): z.output<Schema> {
  const result = examined(schema, value, { whole, otherNames: ourName, reference: "/docs lists all fields" });
  if (result.ok) return result.value;
  const { sentence, path, isUnknownField, code } = result.fault;
  const problem = isUnknownField
    ? "unknown_parameter"
    : code === "unsupported_parameter"
      ? "unsupported_parameter"
      : "invalid_value";
  throw new ApiError(problem, sentence, { param: path.join(".") || undefined });
}
