import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { ApiDeps, ApiEnv } from "../env.ts";

/**
 * One line a request: what was asked, by which key, and how it went. The path is that of the route, so no id, query or
 * signature is in it but the video's own.
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
