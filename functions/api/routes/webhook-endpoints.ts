import { type Context, Hono } from "hono";
import * as z from "zod";
import { SECRET_KEPT_MS_MAX } from "../../../lib/service/keys/index.ts";
import { checkWebhookUrl } from "../../../lib/service/net/index.ts";
import { postSigned, requestSecret, type WebhookEndpoint } from "../../../lib/service/webhooks/index.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { operation } from "../openapi/operation.ts";
import { ApiError } from "../problem.ts";
import { deletedSchema, pageOf } from "../schemas/video.ts";
import {
  type EndpointView,
  endpointCreateSchema,
  endpointSchema,
  endpointUpdateSchema,
  endpointWithSecretSchema,
  rotateSchema,
  testResultSchema,
  testSchema,
} from "../schemas/webhook-endpoint.ts";
import { orRefused } from "../secret-rotation.ts";
import { pageView } from "../views/page.ts";
import { unixSeconds } from "../views/video.ts";

export const ENDPOINTS_MAX = 20;

export function webhookEndpointRoutes(deps: ApiDeps) {
  const { endpoints, limits, webhookUrls, clock, random, post } = deps;
  const { bodyBytesMax } = limits;

  async function find(c: Context<ApiEnv>): Promise<WebhookEndpoint> {
    const endpoint = await endpoints.read(c.var.principal.tenant, c.req.param("id")!);
    return endpoint ?? missing();
  }

  function checkedUrl(url: string): string {
    const checked = checkWebhookUrl(url, webhookUrls);
    if (checked.ok) return checked.url;
    throw new ApiError("invalid_webhook_url", checked.reason, { param: "url" });
  }

  const view = (endpoint: WebhookEndpoint): EndpointView => ({
    id: endpoint.id,
    object: "webhook_endpoint",
    name: endpoint.name,
    url: endpoint.url,
    event_types: endpoint.eventTypes,
    created_at: unixSeconds(endpoint.createdAt),
    updated_at: unixSeconds(endpoint.updatedAt),
    disabled_at: endpoint.disabledAt && unixSeconds(endpoint.disabledAt),
    signing_secret_hint: `whsec_...${endpoints.secrets(endpoint)[0]!.slice(-4)}`,
  });

  const viewWithSecret = (endpoint: WebhookEndpoint) => ({
    ...view(endpoint),
    signing_secret: endpoints.secrets(endpoint)[0]!,
  });

  /** Sends one signed test event, without retries, and returns the answer of the receiver. */
  async function sendTest(endpoint: WebhookEndpoint, eventType: string) {
    const id = `evt_test_${Buffer.from(random(12)).toString("hex")}`;
    const now = clock.now();
    const event = {
      id,
      object: "event",
      type: eventType,
      created_at: unixSeconds(now),
      timestamp: new Date(now).toISOString(),
      data: { id: "video_test", object: "video", is_test: true },
    };
    const receiver = { url: endpoint.url, secrets: endpoints.secrets(endpoint) };
    return postSigned(post, receiver, { id, body: JSON.stringify(event), now });
  }

  return new Hono<ApiEnv>()
    .post(
      "/",
      operation({
        id: "createWebhookEndpoint",
        tag: "Webhooks",
        summary: "Create a webhook endpoint",
        description:
          "Registers a URL that is told of all your videos. Its signing secret is in the answer, and never shown again.",
        body: endpointCreateSchema,
        bytesMax: bodyBytesMax,
        returns: endpointWithSecretSchema,
        problems: ["invalid_webhook_url"],
      }),
      async (c) => {
        const { name, url, event_types: eventTypes } = c.req.valid("json");
        const { tenant } = c.var.principal;
        if ((await endpoints.list(tenant)).length >= ENDPOINTS_MAX) {
          throw new ApiError(
            "invalid_value",
            `There are ${ENDPOINTS_MAX} webhook endpoints: delete one first.`,
          );
        }
        const endpoint = await endpoints.create(tenant, { name, url: checkedUrl(url), eventTypes });
        return c.json(viewWithSecret(endpoint));
      },
    )
    .get(
      "/",
      operation({
        id: "listWebhookEndpoints",
        tag: "Webhooks",
        summary: "List webhook endpoints",
        returns: pageOf(endpointSchema),
      }),
      async (c) => {
        const all = await endpoints.list(c.var.principal.tenant);
        return c.json(pageView(all.map(view)));
      },
    )
    .get(
      "/:id",
      operation({
        id: "getWebhookEndpoint",
        tag: "Webhooks",
        summary: "Get a webhook endpoint",
        returns: endpointSchema,
        problems: ["not_found"],
      }),
      async (c) => c.json(view(await find(c))),
    )
    .post(
      "/:id",
      operation({
        id: "updateWebhookEndpoint",
        tag: "Webhooks",
        summary: "Change a webhook endpoint",
        description: "A field that is left out stays as it is. A new URL enables an endpoint again.",
        body: endpointUpdateSchema,
        bytesMax: bodyBytesMax,
        returns: endpointSchema,
        problems: ["not_found", "invalid_webhook_url"],
      }),
      async (c) => {
        const { name, url, event_types: eventTypes } = c.req.valid("json");
        const changes = {
          ...(name !== undefined && { name }),
          ...(url !== undefined && { url: checkedUrl(url) }),
          ...(eventTypes !== undefined && { eventTypes }),
        };
        const updated = await endpoints.update(c.var.principal.tenant, c.req.param("id"), changes);
        return c.json(view(updated ?? missing()));
      },
    )
    .delete(
      "/:id",
      operation({
        id: "deleteWebhookEndpoint",
        tag: "Webhooks",
        summary: "Delete a webhook endpoint",
        description: "Webhooks that are on their way to it are not sent any more.",
        returns: deletedSchema,
        problems: ["not_found"],
      }),
      async (c) => {
        const id = c.req.param("id");
        if (!(await endpoints.delete(c.var.principal.tenant, id))) missing();
        return c.json({ id, object: "webhook_endpoint.deleted" as const, deleted: true as const });
      },
    )
    .post(
      "/:id/rotate_secret",
      operation({
        id: "rotateWebhookSecret",
        tag: "Webhooks",
        summary: "Replace the signing secret",
        description:
          "With the old one kept for 24 hours, webhooks carry a signature of each that is kept. Otherwise the new one " +
          "alone signs.",
        body: rotateSchema,
        bytesMax: bodyBytesMax,
        returns: endpointWithSecretSchema,
        problems: ["not_found"],
      }),
      async (c) => {
        const keepMs = c.req.valid("json").keep_old_secret_active_for_24_hours ? SECRET_KEPT_MS_MAX : 0;
        const rotated = await orRefused(endpoints.rotate(c.var.principal.tenant, c.req.param("id"), keepMs));
        return c.json(viewWithSecret(rotated ?? missing()));
      },
    )
    .post(
      "/:id/test",
      operation({
        id: "testWebhookEndpoint",
        tag: "Webhooks",
        summary: "Send a test event",
        description: "Sends one signed event, without retries, and answers what the receiver answered.",
        body: testSchema,
        bytesMax: bodyBytesMax,
        returns: testResultSchema,
        problems: ["not_found"],
      }),
      async (c) => {
        const endpoint = await find(c);
        const { event_type: eventType } = c.req.valid("json");
        const result = await sendTest(endpoint, eventType);
        return c.json({
          object: "webhook_endpoint.test" as const,
          webhook_endpoint_id: endpoint.id,
          event_type: eventType,
          success: result.ok && result.status >= 200 && result.status < 300,
          status_code: result.ok ? result.status : null,
          reason: result.ok ? null : result.reason,
        });
      },
    );
}

/** Route that returns the secret by which webhooks to a request's own `webhook_url` are signed. */
export function webhookSecretRoute({ ring }: ApiDeps) {
  return new Hono<ApiEnv>().get(
    "/",
    operation({
      id: "getWebhookSecret",
      tag: "Webhooks",
      summary: "Get the secret of `webhook_url`",
      description: "It signs the webhooks of requests that name a `webhook_url` of their own.",
      returns: z.object({ object: z.literal("webhook_secret"), signing_secret: z.string() }),
    }),
    (c) =>
      c.json({
        object: "webhook_secret" as const,
        signing_secret: requestSecret(ring, c.var.principal.tenant),
      }),
  );
}

function missing(): never {
  throw new ApiError("not_found", "There is no webhook endpoint with this id.");
}
