import { createMiddleware } from "hono/factory";
import type { ApiKeys } from "../../../lib/service/keys/index.ts";
import type { ApiEnv } from "../env.ts";
import { ApiError } from "../problem.ts";

/** Lets in who has a key, and says who it is. One answer for every key that is not accepted. */
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
    // What one key is told, no cache may tell another.
    c.header("cache-control", "no-store");
    await next();
  });
}
