import { createMiddleware } from "hono/factory";
import { isLoopbackAddress } from "../../../lib/service/net/index.ts";
import { parsedUrl } from "../../../lib/shared/parsed-url.ts";
import type { ApiEnv } from "../env.ts";

const FOREIGN = "Pages of other sites cannot use this address.";

/**
 * Refuses requests of foreign pages, as the protocol demands. Pages of the deployment and of the user's own machine may
 * send them, and whatever is no page, which sends no `Origin`. The name in `Host` is not compared: behind a proxy it may
 * be any, and a page that got a wrong address for its name has no key.
 *
 * @param names  host names of the deployment, besides that of the request
 */
export function ownOrigin(names: readonly string[]) {
  return createMiddleware<ApiEnv>(async function ownOrigin(c, next) {
    const origin = c.req.header("origin");
    if (origin !== undefined) {
      const host = parsedUrl(origin)?.hostname.replace(/^\[|\]$/g, "") ?? null;
      const own = [...names, new URL(c.req.url).hostname, "localhost"];
      if (host === null || !(own.includes(host) || isLoopbackAddress(host)))
        return c.json({ jsonrpc: "2.0", error: { code: -32_000, message: FOREIGN }, id: null }, 403);
    }
    return next();
  });
}
