import { createMiddleware } from "hono/factory";
import type { ApiKeys } from "../../../lib/service/keys/index.ts";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";

/** Authenticates requests by API key and sets `principal`. All rejected keys get the same answer. */
export function authenticate(keys: ApiKeys) {
  return createMiddleware<ApiEnv>(async function authenticate(c, next) {
    const [, token] = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    const principal = token ? await keys.authenticate(token) : null;
    if (!principal) {
      throw new ApiError("invalid_api_key", "Send a valid API key: Authorization: Bearer adr_...", {
        headers: { "www-authenticate": 'Bearer realm="adareel"' },
      });
    }
    c.set("principal", principal);
    // A cache must not serve the answer for one key to a request with another key.
    c.header("cache-control", "no-store");
    await next();
  });
}
