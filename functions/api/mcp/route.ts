import type { McpHttpHandler } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { authenticate } from "../middleware/authenticate.ts";
import { crossOrigin } from "../middleware/cross-origin.ts";
import type { VideoAnswers } from "../video-answers.ts";
import { ownOrigin } from "./own-origin.ts";
import type { Caller } from "./tool.ts";

/** Route of the Model Context Protocol: the tools of the API for language models, with the same keys. */
export function mcpRoute(deps: ApiDeps, answers: VideoAnswers) {
  let handler: Promise<McpHttpHandler> | undefined;
  const opened = async () => (await import("./handler.ts")).mcpHandler(deps, answers);
  return new Hono<ApiEnv>()
    .use(crossOrigin())
    .use(ownOrigin(deps.webhookUrls.blockedHosts))
    .use(authenticate(deps.keys))
    .post("/", async (c) => {
      handler ??= opened();
      const { principal, requestId } = c.var;
      const caller: Omit<Caller, "signal"> = { principal, requestId };
      const authInfo = { token: "", clientId: principal.keyId, scopes: [], extra: { caller } };
      const { status, body, headers } = await (await handler).fetch(c.req.raw, { authInfo });
      // Hono adds to answers of its own what middleware has set.
      return c.newResponse(body, status as ContentfulStatusCode, Object.fromEntries(headers));
    });
}
