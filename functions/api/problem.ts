import { STATUS_CODES } from "node:http";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { NO_SNIFF } from "./middleware/no-sniff.ts";

/** Codes of all errors, with their HTTP status. */
export const STATUS_OF = {
  invalid_value: 400,
  unknown_parameter: 400,
  unsupported_parameter: 400,
  unsupported_variant: 400,
  invalid_json: 400,
  invalid_multipart: 400,
  invalid_webhook_url: 400,
  invalid_picture: 400,
  picture_unreachable: 400,
  response_too_large: 400,
  filter_unfinished: 400,
  invalid_api_key: 401,
  invalid_signature: 401,
  spending_limit_reached: 402,
  price_unknown: 402,
  not_found: 404,
  video_not_found: 404,
  method_not_allowed: 405,
  video_not_ready: 409,
  video_failed: 409,
  video_expired: 410,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  template_field_missing: 422,
  queue_full: 429,
  too_many_streams: 429,
  internal_error: 500,
  record_damaged: 500,
  not_supported: 501,
  secret_unavailable: 503,
  storage_unavailable: 503,
} as const;

export type ProblemCode = keyof typeof STATUS_OF;

export const PROBLEM_CODES = Object.keys(STATUS_OF) as ProblemCode[];

export interface ProblemOptions extends ErrorOptions {
  /** Name of the invalid field; nested names are joined by dots. */
  readonly param?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Id after which the request can be continued. */
  readonly after?: string | undefined;
}

/** Limit of the length of `param`: names chosen by clients may be as long as the body. */
const PARAM_CHARACTERS_MAX = 100;

/** Error that ends a request. It can be thrown anywhere; `app.onError` converts it to a response. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ProblemCode;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly after: string | undefined;

  constructor(
    code: ProblemCode,
    message: string,
    { param, headers, after, ...options }: ProblemOptions = {},
  ) {
    super(message, options);
    this.after = after;
    this.code = code;
    this.param = param?.slice(0, PARAM_CHARACTERS_MAX) ?? null;
    this.headers = headers ?? {};
  }

  get status(): ContentfulStatusCode {
    return STATUS_OF[this.code];
  }
}

/** Makes the error of a path at which there is nothing. */
export const nothingHere = () =>
  new ApiError("not_found", "There is nothing at this path: /docs lists what there is.");

/** Sentences for faults whose reason concerns the operator alone; the request id to ask about follows them. */
const UNTOLD: Partial<Record<ProblemCode, string>> = {
  internal_error: "The service failed.",
  storage_unavailable: "The service cannot use its store now: try again soon.",
};

/** Returns whether an error is a fault of the service, which its log must explain. */
export function isFault({ code, status }: ApiError): boolean {
  return status >= 500 && code !== "not_supported";
}

/**
 * Builds the body of a failed request: the members of RFC 9457, and the `error` object that OpenAI's clients
 * read.
 */
export function problemOf(error: ApiError, instance: string, requestId: string) {
  const { status, code, param, after } = error;
  const untold = UNTOLD[code];
  const message = untold ? `${untold} Ask about it with the request id ${requestId}.` : error.message;
  return {
    type: `urn:adareel:problem:${code}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: message,
    instance,
    request_id: requestId,
    error: {
      message,
      type: status < 500 ? "invalid_request_error" : "server_error",
      param,
      code,
      ...(after !== undefined && { after }),
    },
  };
}

/** Codes after which a retry cannot succeed. OpenAI's clients retry 409 and 5xx unless a header forbids it. */
const POINTLESS: ReadonlySet<ProblemCode> = new Set([
  "video_not_ready",
  "video_failed",
  "not_supported",
  "record_damaged",
  "spending_limit_reached",
  "price_unknown",
]);

export function problemResponse(c: Context, error: ApiError): Response {
  const problem = problemOf(error, c.req.path, c.get("requestId"));
  return c.body(JSON.stringify(problem), error.status, headersOf(error));
}

/** Builds the response to an error without Hono, for an app that cannot be opened or a response that cannot be sent. */
export function plainProblem(error: ApiError, instance: string, requestId: string): Response {
  return new Response(JSON.stringify(problemOf(error, instance, requestId)), {
    status: error.status,
    headers: {
      ...headersOf(error),
      ...NO_SNIFF,
      "x-request-id": requestId,
      "access-control-allow-origin": "*",
    },
  });
}

function headersOf({ code, headers }: ApiError): Record<string, string> {
  return {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(POINTLESS.has(code) && { "x-should-retry": "false" }),
    ...headers,
  };
}
