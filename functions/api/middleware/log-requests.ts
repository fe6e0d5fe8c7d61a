import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { ApiDeps, ApiEnv } from "../env.ts";

/**
 * Logs one line per request: route, id of the API key, status and duration. It logs the path pattern of the route,
 * so the only id in the line is the video's; queries and signatures are not logged.
 */
export function logRequests({ log }: Pick<ApiDeps, "log">) {
  return createMiddleware<ApiEnv>(async function logRequests(c, next) {
    const started = performance.now();
    await next();
    log.info(
      {
        requestId: c.get("requestId"),
        method: c.req.method,
        route: routePath(c, -1),
        videoId: videoIdIn(c.req.path),
        keyId: c.get("principal")?.keyId,
        status: c.res.status,
        milliseconds: Math.round(performance.now() - started),
      },
      "request",
    );
  });
}

function videoIdIn(path: string): string | undefined {
  return /^\/v1\/videos\/(video_[0-9a-z]{26})(?:\/|$)/.exec(path)?.[1];
}
