import { type Context, Hono } from "hono";
import { SECRET_KEPT_MS_MAX } from "../../../lib/service/keys/index.ts";
import { missingWebhookHeaders } from "../../../lib/service/net/index.ts";
import {
  passesFilter,
  type SignatureScheme,
  secretFault,
  type Trigger,
} from "../../../lib/service/triggers/index.ts";
import { listed } from "../../../lib/shared/sentences/index.ts";
import { hash } from "../claim.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { parseJson } from "../middleware/parse-json.ts";
import { readBody } from "../middleware/read-body.ts";
import { operation } from "../openapi/operation.ts";
import { orderVideo } from "../order-video.ts";
import { ApiError } from "../problem.ts";
import {
  dryRunResultSchema,
  dryRunSchema,
  invocationSchema,
  invokedSchema,
  type TriggerView,
  triggerCreateSchema,
  triggerRotateSchema,
  triggerSchema,
  triggerUpdateSchema,
  triggerWithSecretSchema,
} from "../schemas/trigger.ts";
import { deletedSchema, pageOf } from "../schemas/video.ts";
import { orRefused } from "../secret-rotation.ts";
import { rehearse, triggeredVideo } from "../trigger-video.ts";
import { pageView } from "../views/page.ts";
import { unixSeconds } from "../views/video.ts";

export const TRIGGERS_MAX = 50;

/** Maximum size of a payload. Webhooks of other services are longer than requests to this API. */
export const PAYLOAD_BYTES_MAX = 256 * 1024;

/** Routes by which owners manage their triggers. */
export function triggerRoutes(deps: ApiDeps) {
  const { triggers, limits } = deps;
  const { bodyBytesMax } = limits;

  async function find(c: Context<ApiEnv>): Promise<Trigger> {
    return (await triggers.read(c.var.principal.tenant, c.req.param("id")!)) ?? missing();
  }

  return new Hono<ApiEnv>()
    .post(
      "/",
      operation({
        id: "createTrigger",
        tag: "Triggers",
        summary: "Create a trigger",
        description:
          "Makes an address that turns webhooks into videos. Its secret is in the answer, and never shown again.",
        body: triggerCreateSchema,
        bytesMax: bodyBytesMax,
        returns: triggerWithSecretSchema,
        problems: ["invalid_webhook_url", "invalid_picture"],
      }),
      async (c) => {
        const { signature, enabled: isEnabled, ...fields } = c.req.valid("json");
        const { principal } = c.var;
        checkSecret(signature.scheme, signature.secret, "signature.secret");
        rehearse(deps, fields, principal.tenant);
        if ((await triggers.list(principal.tenant)).length >= TRIGGERS_MAX) {
          throw new ApiError("invalid_value", `There are ${TRIGGERS_MAX} triggers: delete one first.`);
        }
        const created = await triggers.create({ ...principal, ...signature, ...fields, isEnabled });
        return c.json({ ...view(created.trigger), signing_secret: created.secret });
      },
    )
    .get(
      "/",
      operation({
        id: "listTriggers",
        tag: "Triggers",
        summary: "List triggers",
        returns: pageOf(triggerSchema),
      }),
      async (c) => {
        const all = await triggers.list(c.var.principal.tenant);
        return c.json(pageView(all.map(view)));
      },
    )
    .get(
      "/:id",
      operation({
        id: "getTrigger",
        tag: "Triggers",
        summary: "Get a trigger",
        returns: triggerSchema,
        problems: ["not_found"],
      }),
      async (c) => c.json(view(await find(c))),
    )
    .post(
      "/:id",
      operation({
        id: "updateTrigger",
        tag: "Triggers",
        summary: "Change a trigger",
        description: "A field replaces what the trigger had, `video` and `filter` as a whole.",
        body: triggerUpdateSchema,
        bytesMax: bodyBytesMax,
        returns: triggerSchema,
        problems: ["not_found", "invalid_webhook_url", "invalid_picture"],
      }),
      async (c) => {
        const { name, prompt, video, filter, enabled } = c.req.valid("json");
        const current = await find(c);
        rehearse(deps, { prompt: prompt ?? current.prompt, video: video ?? current.video }, current.tenant);
        const updated = await triggers.update(current.tenant, current.id, {
          ...(name !== undefined && { name }),
          ...(prompt !== undefined && { prompt }),
          ...(video !== undefined && { video }),
          ...(filter !== undefined && { filter }),
          ...(enabled !== undefined && { isEnabled: enabled }),
        });
        return c.json(view(updated ?? missing()));
      },
    )
    .delete(
      "/:id",
      operation({
        id: "deleteTrigger",
        tag: "Triggers",
        summary: "Delete a trigger",
        returns: deletedSchema,
        problems: ["not_found"],
      }),
      async (c) => {
        const id = c.req.param("id");
        if (!(await triggers.delete(c.var.principal.tenant, id))) missing();
        return c.json({ id, object: "trigger.deleted" as const, deleted: true as const });
      },
    )
    .post(
      "/:id/rotate_secret",
      operation({
        id: "rotateTriggerSecret",
        tag: "Triggers",
        summary: "Replace the secret of a trigger",
        description:
          "With the old one kept for 24 hours, each that is kept is accepted. Otherwise the new one alone is.",
        body: triggerRotateSchema,
        bytesMax: bodyBytesMax,
        returns: triggerWithSecretSchema,
        problems: ["not_found"],
      }),
      async (c) => {
        const { secret, keep_old_secret_active_for_24_hours: isKept } = c.req.valid("json");
        const { tenant, id, scheme } = await find(c);
        checkSecret(scheme, secret, "secret");
        const keepMs = isKept ? SECRET_KEPT_MS_MAX : 0;
        const rotated = await orRefused(triggers.rotate(tenant, id, { secret, keepMs }));
        if (!rotated) missing();
        return c.json({ ...view(rotated.trigger), signing_secret: rotated.secret });
      },
    )
    .post(
      "/:id/dry_run",
      operation({
        id: "dryRunTrigger",
        tag: "Triggers",
        summary: "Try a payload",
        description: "Answers which video the payload would make, and makes none. Needs no signature.",
        body: dryRunSchema,
        bytesMax: PAYLOAD_BYTES_MAX,
        returns: dryRunResultSchema,
        problems: ["not_found", "template_field_missing", "invalid_picture"],
      }),
      async (c) => {
        const trigger = await find(c);
        const { payload } = c.req.valid("json");
        if (!passesFilter(trigger.filter, payload)) return c.json(skipped(trigger));
        const { prompt, ...params } = triggeredVideo(deps, trigger, payload).request;
        return c.json({ object: "trigger.dry_run" as const, trigger_id: trigger.id, prompt, params });
      },
    );
}

/** Route that receives webhooks of other services. They carry no API key; the trigger's secret authenticates them. */
export function triggerInvocation(deps: ApiDeps) {
  return new Hono<ApiEnv>().post(
    "/:id/invoke",
    operation({
      id: "invokeTrigger",
      tag: "Triggers",
      summary: "Send a webhook to a trigger",
      description:
        "Takes any JSON, signed as the trigger says: Standard Webhooks (also under Svix's names, `svix-id` and so on), " +
        "GitHub's `X-Hub-Signature-256`, or `Authorization: Bearer` with the trigger's own token. A delivery that comes again makes no second video: known " +
        "by its `webhook-id` for 7 days, from GitHub by its content for 30 days, with a token by `Idempotency-Key` or " +
        "`webhook-id` for 24 hours and without those by its content for 2 minutes. Pings and payloads that the filter " +
        "does not want are answered with 200.",
      isPublic: true,
      returns: invokedSchema,
      responses: { 202: { text: "There is a video for this webhook.", returns: invocationSchema } },
      problems: [
        "invalid_value",
        "invalid_json",
        "invalid_signature",
        "body_too_large",
        "unsupported_media_type",
        "idempotency_key_reused",
        "template_field_missing",
        "invalid_picture",
        "picture_unreachable",
        "price_unknown",
        "queue_full",
        "spending_limit_reached",
        "video_expired",
        "secret_unavailable",
        "storage_unavailable",
      ],
    }),
    async (c) => {
      const bytes = await readBody(c.req, PAYLOAD_BYTES_MAX);
      const { headers } = c.req.raw;
      const authenticated = await deps.triggers.authenticate(c.req.param("id"), { headers, body: bytes });
      if (!authenticated) throw new ApiError("invalid_signature", unsigned(headers) ?? WRONG_SIGNATURE);
      const { trigger, delivery } = authenticated;
      const principal = { tenant: trigger.tenant, keyId: trigger.keyId };
      c.set("principal", principal);
      const payload = parsePayload(bytes, c.req.header("content-type"));
      // GitHub sends a ping when a webhook is created, to test its address.
      if (trigger.scheme === "github" && c.req.header("x-github-event") === "ping") {
        return c.json({ object: "trigger.ping" as const, trigger_id: trigger.id });
      }
      if (!passesFilter(trigger.filter, payload)) return c.json(skipped(trigger));
      const { request, params, pictures, webhook } = triggeredVideo(deps, trigger, payload);
      const { id: deliveryId, ...repetition } = delivery;
      const { record, isReplay } = await orderVideo(deps, {
        principal,
        params,
        pictures,
        timeoutSeconds: request.timeout,
        metadata: request.metadata ?? {},
        webhook,
        claim: { scope: hash(`trigger\n${trigger.id}\n${deliveryId}`), ...repetition, isFirst: false },
      });
      const invocation = { trigger_id: trigger.id, video_id: record.id, is_replay: isReplay };
      return c.json({ object: "trigger.invocation" as const, ...invocation }, 202);
    },
  );
}

const WRONG_SIGNATURE =
  "There is no enabled trigger with this id and secret, or the webhook was signed at another time.";

/**
 * Says which headers of a signature a webhook lacks; null if it has all of one scheme. Looks at the webhook alone, so
 * it tells nothing of triggers.
 */
function unsigned(headers: Headers): string | null {
  if (headers.has("x-hub-signature-256") || headers.has("authorization")) return null;
  const missing = missingWebhookHeaders(headers);
  if (missing.length === 0) return null;
  const names = `${listed(missing)} ${missing.length === 1 ? "is" : "are"} missing`;
  const hasSome = missing.length < SIGNATURE_HEADERS;
  return hasSome
    ? `The webhook is not signed as a whole: ${names}.`
    : `The webhook is not signed: ${names}, or X-Hub-Signature-256 of GitHub, or Authorization with the token.`;
}

/** Number of headers of a signature of Standard Webhooks. */
const SIGNATURE_HEADERS = 3;

function parsePayload(bytes: Uint8Array, contentType = ""): unknown {
  const mediaType = contentType.toLowerCase().split(";")[0]!.trim();
  if (mediaType === "application/x-www-form-urlencoded") {
    throw new ApiError(
      "unsupported_media_type",
      "Choose application/json as the content type in the settings of the webhook: forms are not read.",
    );
  }
  if (!/^application\/([\w.-]+\+)?json$/.test(mediaType)) {
    throw new ApiError("unsupported_media_type", "The header Content-Type must be application/json.");
  }
  return parseJson(bytes, "The payload");
}

function checkSecret(scheme: SignatureScheme, secret: string | undefined, param: string): void {
  const fault = secret === undefined ? null : secretFault(scheme, secret);
  if (fault !== null) throw new ApiError("invalid_value", fault, { param });
}

function view(trigger: Trigger): TriggerView {
  const { id, name, prompt, video, filter } = trigger;
  const until = trigger.secrets[1]?.until ?? null;
  return {
    id,
    object: "trigger",
    name,
    prompt,
    signature: { scheme: trigger.scheme, old_secret_active_until: until && unixSeconds(until) },
    video,
    filter,
    enabled: trigger.isEnabled,
    invoke_path: `/v1/triggers/${id}/invoke`,
    created_at: unixSeconds(trigger.createdAt),
    updated_at: unixSeconds(trigger.updatedAt),
  };
}

function skipped({ id }: Trigger) {
  return { object: "trigger.skipped" as const, trigger_id: id };
}

function missing(): never {
  throw new ApiError("not_found", "There is no trigger with this id.");
}
