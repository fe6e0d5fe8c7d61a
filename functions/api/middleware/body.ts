import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";
import { formToJson, type JsonSchema } from "./form.ts";
import { readBody } from "./read-body.ts";

/**
 * Reads and checks the body of a request, JSON or multipart form alike; the handler finds it as
 * `c.req.valid("json")`. No body at all is an empty object.
 *
 * @throws ApiError in the middleware
 */
export function body<Schema extends z.ZodType>(
  schema: Schema,
  bytesMax: number,
): MiddlewareHandler<ApiEnv, string, { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }> {
  const jsonSchema = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return async function body(c, next) {
    const bytes = await readBody(c.req, bytesMax);
    const given = await decode(bytes, c.req.header("content-type"), jsonSchema);
    c.req.addValidatedData("json", check(schema, unwrapped(given)) as object);
    await next();
  };
}

/** Reads and checks the query of a request; the handler finds it as `c.req.valid("query")`. */
export function query<Schema extends z.ZodType>(
  schema: Schema,
): MiddlewareHandler<ApiEnv, string, { in: { query: z.input<Schema> }; out: { query: z.output<Schema> } }> {
  return async function query(c, next) {
    for (const [name, values] of Object.entries(c.req.queries())) {
      if (values.length > 1) throw new ApiError("invalid_value", `${name} comes twice.`, { param: name });
    }
    c.req.addValidatedData("query", check(schema, c.req.query()) as object);
    await next();
  };
}

async function decode(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string | undefined,
  schema: JsonSchema,
): Promise<unknown> {
  const [mediaType] = (contentType ?? "").toLowerCase().split(";");
  if (bytes.length === 0) return {};
  if (mediaType?.trim() === "application/json") return parseJson(bytes);
  if (mediaType?.trim() === "multipart/form-data")
    return formToJson(await parseForm(bytes, contentType!), schema);
  throw new ApiError("unsupported_media_type", "Send application/json or multipart/form-data.");
}

function parseJson(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ApiError("invalid_json", "The body is not JSON in UTF-8.", { cause });
  }
  // JSON.parse makes it a member like any other, and strict schemas would pass over it.
  if (hasOwnProto(value))
    throw new ApiError("unknown_parameter", "__proto__ is not a field.", { param: "__proto__" });
  return value;
}

/** How deep a body may be nested; a schema that accepts any object sees no deeper one. */
const DEPTH_MAX = 16;

function hasOwnProto(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > DEPTH_MAX)
    throw new ApiError("invalid_json", `The body is nested more than ${DEPTH_MAX} levels deep.`);
  return (
    Object.hasOwn(value, "__proto__") || Object.values(value).some((member) => hasOwnProto(member, depth + 1))
  );
}

async function parseForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(bytes, { headers: { "content-type": contentType } }).formData();
  } catch (cause) {
    throw new ApiError("invalid_multipart", "The body is not a complete multipart form.", { cause });
  }
}

/** Some proxies pass fields they do not know in `extra_body`. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("extra_body" in value)) return value;
  const { extra_body: extra, ...rest } = value;
  return typeof extra === "object" && extra !== null && !Array.isArray(extra) ? { ...extra, ...rest } : value;
}

/** @throws ApiError that names the first field at fault, and never says what was in it */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const param = [...issue.path, issue.keys[0]!].join(".");
    throw new ApiError("unknown_parameter", `${param} is not a field of this request.`, { param });
  }
  const param = issue.path.join(".");
  const { code } =
    z.object({ code: z.enum(["unsupported_parameter"]) }).safeParse(paramsOf(issue)).data ?? {};
  throw new ApiError(code ?? "invalid_value", param ? `${param}: ${issue.message}` : issue.message, {
    param: param || undefined,
  });
}

function paramsOf(issue: z.core.$ZodIssue): unknown {
  return "params" in issue ? issue.params : undefined;
}
