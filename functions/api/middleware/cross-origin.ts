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

/** Lets pages of every origin call the API: a key is needed all the same, and no cookie counts. */
export function crossOrigin() {
  const preflight = cors({ origin: "*", maxAge: 600 });
  return createMiddleware(async function crossOrigin(c, next) {
    if (c.req.method === "OPTIONS") return preflight(c, next);
    // `cors` sets them on a response of its own, from which Hono then copies every answer as a stream.
    c.header("access-control-allow-origin", "*");
    c.header("access-control-expose-headers", EXPOSED_HEADERS.join(","));
    return next();
  });
}
