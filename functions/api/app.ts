import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { getPath } from "hono/utils/url";
import * as z from "zod";
import { EVENT_TYPES } from "../../lib/service/jobs/index.ts";
import { listed } from "../../lib/shared/sentences/index.ts";
import { apiErrorOf } from "./api-error-of.ts";
import type { ApiDeps, ApiEnv } from "./env.ts";
import { mcpRoute } from "./mcp/route.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { logRequests } from "./middleware/log-requests.ts";
import { noSniff } from "./middleware/no-sniff.ts";
import { openApiDocument, openApiOnce } from "./openapi/document.ts";
import { operation } from "./openapi/operation.ts";
import { pageRoutes } from "./pages/routes.ts";
import { ApiError, isFault, nothingHere, problemResponse } from "./problem.ts";
import { modelRoutes } from "./routes/models.ts";
import { triggerInvocation, triggerRoutes } from "./routes/triggers.ts";
import { WAIT_SECONDS_MAX } from "./routes/video-order.ts";
import { videoStreamRoute } from "./routes/video-stream.ts";
import { videoRoutes } from "./routes/videos.ts";
import { webhookEndpointRoutes, webhookSecretRoute } from "./routes/webhook-endpoints.ts";
import { videoAnswers } from "./video-answers.ts";

/** Creates the HTTP API. The same app runs at the edge and on a developer's machine. */
export function createApp(deps: ApiDeps) {
  const app = new Hono<ApiEnv>({ strict: true, getPath: forgivingPath });
  app.use(requestId());
  app.use(noSniff());
  app.use(logRequests(deps));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const taken = `This path takes ${listed(methods)}, not ${c.req.method}.`;
        const error = new ApiError("method_not_allowed", taken, { headers: { allow } });
        return problemResponse(c, error);
      },
    }),
  );
  app.use("/v1/*", crossOrigin());

  app.get(
    "/healthz",
    operation({
      id: "getHealth",
      tag: "Models",
      summary: "Check that the API answers",
      description:
        "The status is 200 whenever the API answers. `degraded` says that requests are taken and kept, but that no " +
        "video is made at present, and `reason` says why. Only a service on one machine knows that.",
      isPublic: true,
      returns: z.object({
        status: z.enum(["ok", "degraded"]),
        version: z.string(),
        reason: z.string().optional(),
      }),
    }),
    (c) => {
      const reason = deps.fault?.() ?? null;
      if (reason === null) return c.json({ status: "ok", version: deps.version });
      return c.json({ status: "degraded", version: deps.version, reason });
    },
  );
  const document = openApiOnce(() => openApiDocument({ ...deps, routes: app.routes }));
  app.get("/openapi.json", (c) => c.json(document()));
  app.route("/", pageRoutes(deps, document));

  // Triggers are mounted before `authenticate`: their senders are authenticated by a signature.
  app.route("/v1/triggers", triggerInvocation(deps));
  app.use("/v1/*", authenticate(deps.keys));
  for (const path of ["edits", "extensions", "characters", "characters/:id"]) {
    app.all(`/v1/videos/${path}`, () => {
      throw new ApiError(
        "not_supported",
        "Videos are made from text and pictures; nothing else is supported.",
      );
    });
  }
  app.all("/v1/videos/sync", () => {
    throw new ApiError(
      "not_supported",
      `Send POST /v1/videos with Prefer: wait=${WAIT_SECONDS_MAX}, then GET /v1/videos/{id}/content.`,
    );
  });
  const answers = videoAnswers(deps, deps.quotes.positions);
  app.route("/mcp", mcpRoute(deps, answers));
  const api = app
    .route("/v1/videos", videoRoutes(deps, answers))
    .route("/v1/videos", videoStreamRoute(deps, answers))
    .route("/v1/webhook_endpoints", webhookEndpointRoutes(deps))
    .route("/v1/webhook_secret", webhookSecretRoute(deps))
    .route("/v1/triggers", triggerRoutes(deps))
    .route("/v1/models", modelRoutes(deps));
  app.get(
    "/v1/webhook_event_types",
    operation({
      id: "listWebhookEventTypes",
      tag: "Webhooks",
      summary: "List the types of events",
      returns: z.object({ object: z.literal("list"), data: z.array(z.string()) }),
    }),
    (c) => c.json({ object: "list", data: EVENT_TYPES }),
  );

  app.notFound((c) => problemResponse(c, nothingHere()));
  app.onError((error, c) => {
    const refused = apiErrorOf(error);
    if (isFault(refused)) {
      deps.log.error(
        { requestId: c.get("requestId"), error: error.name, reason: error.message },
        "request failed",
      );
    }
    return problemResponse(c, refused);
  });
  return api;
}

/**
 * Returns the path of a request without a slash at its end, which other servers take too. The path of an item whose id
 * is empty keeps it, such as GET /v1/videos/ of a client that retrieves "": it is not the collection.
 */
function forgivingPath(request: Request): string {
  const path = getPath(request);
  const isCreation = path === "/v1/videos/" && request.method === "POST";
  return isCreation || /^\/v1\/[^/]+\/[^/]+.*\/$/.test(path) ? path.slice(0, -1) : path;
}

/** Type of the app, from which Hono's `hc` derives a typed client. */
export type Api = ReturnType<typeof createApp>;
