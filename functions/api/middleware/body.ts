import { isDeepStrictEqual } from "node:util";
import type { HonoRequest, MiddlewareHandler } from "hono";
import * as z from "zod";
import { ourName } from "../../../lib/generation/request/index.ts";
import { examined, nameOf } from "../../../lib/shared/sentences/index.ts";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";
import { type FormFields, formToJson } from "./form.ts";
import { FormFile } from "./form-file.ts";
import { type JsonSchema, withoutNulls } from "./json-schema.ts";
import { parseJson } from "./parse-json.ts";
import { readBody } from "./read-body.ts";

/**
 * Reads and validates the body of a request, which is JSON or a form. The handler gets the result from
 * `c.req.valid("json")`. A missing body counts as an empty object, and null as a missing field where the field takes no
 * null.
 *
 * @param limit `tooLarge` is advice for the sender of a longer body
 * @throws ApiError from the middleware if the body is invalid
 */
export function body<Schema extends z.ZodType>(
  schema: Schema,
  { bytesMax, tooLarge }: { readonly bytesMax: number; readonly tooLarge?: string | undefined },
): MiddlewareHandler<ApiEnv, string, { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } }> {
  let jsonSchema: JsonSchema | undefined;
  // The schema is built on demand: few bodies need it, and building all schemas takes longer than creating the app.
  const shape = () => {
    jsonSchema ??= z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
    return jsonSchema;
  };
  return async function body(c, next) {
    const bytes = await readBody(c.req, bytesMax, tooLarge);
    const given = await decode(bytes, c.req, shape);
    checkNesting(given);
    const fields = unwrapped(given);
    const present = hasNull(fields) ? withoutNulls(fields, shape()) : fields;
    c.req.addValidatedData("json", check(schema, present) as object);
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
  shape: () => JsonSchema,
): Promise<unknown> {
  const coding = request.header("content-encoding") ?? "identity";
  if (coding.toLowerCase() !== "identity")
    throw new ApiError("unsupported_media_type", "Send the body without a content encoding.");
  if (bytes.length === 0) return {};
  const contentType = request.header("content-type") ?? "";
  const mediaType = contentType.split(";")[0]!.trim().toLowerCase();
  if (mediaType === "application/json" || (UNSAID.includes(mediaType) && isBraced(bytes)))
    return parseJson(bytes, "The body");
  const form = await formOf(bytes, { mediaType, contentType });
  if (form) return formToJson(form, withExtras(shape()));
  const types = `must be application/json, multipart/form-data or ${SIMPLE_FORM}`;
  throw new ApiError(
    "unsupported_media_type",
    mediaType === ""
      ? `The header Content-Type is missing: it ${types}.`
      : `The header Content-Type ${types}, not ${nameOf(mediaType)}.`,
  );
}

const SIMPLE_FORM = "application/x-www-form-urlencoded";

/** Types that clients set by themselves for a text: mostly none, curl that of a simple form, and fetch plain text. */
const UNSAID: readonly string[] = ["", SIMPLE_FORM, "text/plain"];

/** Returns whether a text begins as an object of JSON does, which no field of a form begins with. */
function isBraced(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 100)));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Returns the fields of a form; null for a body of another type. */
async function formOf(
  bytes: Uint8Array<ArrayBuffer>,
  { mediaType, contentType }: { readonly mediaType: string; readonly contentType: string },
): Promise<FormFields | null> {
  const isMultipart = mediaType === "multipart/form-data";
  if (!isMultipart && mediaType !== SIMPLE_FORM) return null;
  if (isMultipart && !/;\s*boundary=/i.test(contentType)) {
    const what = "The header Content-Type has no boundary: leave it to the HTTP client to set this header.";
    throw new ApiError("invalid_multipart", what);
  }
  const unreadable = (cause?: unknown) =>
    new ApiError(
      "invalid_multipart",
      `The body is not a ${isMultipart ? "complete multipart form" : "form"} in UTF-8.`,
      { cause },
    );
  try {
    const form = await new Response(bytes, { headers: { "content-type": contentType } }).formData();
    const fields = [...form.entries()];
    const hasFile = fields.some(([, value]) => typeof value !== "string");
    // The parsers replace invalid UTF-8 with U+FFFD. Files may be anything, so a body with files is not UTF-8.
    const text = hasFile ? Buffer.from(bytes).toString("latin1") : utf8.decode(bytes);
    const isReplaced = fields.flat().some((part) => typeof part === "string" && part.includes("\ufffd"));
    const marks = hasFile ? /\xef\xbf\xbd/ : /\ufffd|%EF%BF%BD/i;
    if ((hasFile || !isMultipart) && isReplaced && !marks.test(text)) throw unreadable();
    return Promise.all(fields.map(async ([name, value]) => [name, await contentOf(value)] as const));
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** Returns the content of a field. A file field counts as blank that a browser sends because none was chosen. */
async function contentOf(value: string | File): Promise<string | FormFile> {
  if (typeof value === "string") return value;
  return value.name === "" && value.size === 0 ? "" : new FormFile(new Uint8Array(await value.arrayBuffer()));
}

/** Fields in which proxies and other services put further fields of the request. */
const EXTRAS = ["extra_body", "extra_params"];

function withExtras(schema: JsonSchema): JsonSchema {
  const extras = Object.fromEntries(EXTRAS.map((name) => [name, schema]));
  return { ...schema, properties: { ...schema.properties, ...extras } };
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
  if (typeof value !== "object" || value === null || value instanceof FormFile) return;
  if (depth > DEPTH_MAX)
    throw new ApiError("invalid_value", `The body is nested more than ${DEPTH_MAX} levels deep.`);
  if (Object.hasOwn(value, "__proto__"))
    throw new ApiError("unknown_parameter", "There is no field __proto__.", { param: "__proto__" });
  for (const member of Object.values(value)) checkNesting(member, depth + 1);
}

function hasNull(value: unknown): boolean {
  if (value instanceof FormFile) return false;
  return value === null || (typeof value === "object" && Object.values(value).some(hasNull));
}

/**
 * Merges the fields of `extra_body` and the like, as an object or as its JSON. Null counts as left out.
 *
 * @throws ApiError for a field that has another value outside of it
 */
function unwrapped(value: unknown): unknown {
  if (!isObject(value)) return value;
  return EXTRAS.reduce<Fields>((fields, name) => {
    const { [name]: extra, ...rest } = fields;
    const inner = typeof extra === "string" && /^\s*\{/.test(extra) ? parsed(extra, name) : extra;
    if (inner === null) return rest;
    return isObject(inner) ? merged(rest, inner, name) : fields;
  }, value);
}

function merged(fields: Fields, extra: Fields, from: string): Fields {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  for (const [name, value] of given) {
    const other = Object.hasOwn(extra, name) ? (extra[name] ?? value) : value;
    if (!isDeepStrictEqual(value, other)) {
      const what = `${nameOf(name)} and ${nameOf(`${from}.${name}`)} say different things: give one of them.`;
      throw new ApiError("invalid_value", what, { param: name });
    }
  }
  return { ...fields, ...extra, ...Object.fromEntries(given) };
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(json: string, name: string): unknown {
  const value = parseJson(new TextEncoder().encode(json), name);
  checkNesting(value);
  return value;
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
