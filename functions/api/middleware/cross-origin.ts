import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";

const EXPOSED_HEADERS = [
  "x-request-id",
  "retry-after",
  "x-should-retry",
  "openai-poll-after-ms",
  "idempotent-replayed",
  "preference-applied",
];

/** Allows pages of every origin to call the API. This is safe, because the API needs a key and ignores cookies. */
export function crossOrigin() {
  const preflight = cors({ origin: "*", maxAge: 600 });
  return createMiddleware(async function crossOrigin(c, next) {
    if (c.req.method === "OPTIONS") return preflight(c, next);
    // `cors` would set the headers on a new response, and Hono would then copy every answer as a stream.
    c.header("access-control-allow-origin", "*");
    c.header("access-control-expose-headers", EXPOSED_HEADERS.join(","));
    return next();
  });
}
