import { type Context, Hono } from "hono";
import {
  passesFilter,
  type SignatureScheme,
  secretFault,
  type Trigger,
} from "../../../lib/service/triggers/index.ts";
import { hash } from "../claim.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { body } from "../middleware/body.ts";
import { readBody } from "../middleware/read-body.ts";
import { orderVideo } from "../order-video.ts";
import { ApiError } from "../problem.ts";
import {
  dryRunSchema,
  type TriggerView,
  triggerCreateSchema,
  triggerRotateSchema,
  triggerUpdateSchema,
} from "../schemas/trigger.ts";
import { rehearse, triggeredVideo } from "../trigger-video.ts";
import { pageView } from "../views/page.ts";
import { unixSeconds } from "../views/video.ts";

const TRIGGERS_MAX = 50;
const DAY_MS = 24 * 3_600_000;

/** Others' webhooks tell more than our own requests do. */
const PAYLOAD_BYTES_MAX = 256 * 1024;

/** Triggers as their owners see them. */
export function triggerRoutes(deps: ApiDeps) {
  const { triggers, limits } = deps;
  const { bodyBytesMax } = limits;

  async function find(c: Context<ApiEnv>): Promise<Trigger> {
    return (await triggers.read(c.var.principal.tenant, c.req.param("id")!)) ?? missing();
  }

  return new Hono<ApiEnv>()
    .post("/", body(triggerCreateSchema, bodyBytesMax), async (c) => {
      const { signature, enabled: isEnabled, ...fields } = c.req.valid("json");
      const { principal } = c.var;
      checkSecret(signature.scheme, signature.secret, "signature.secret");
      rehearse(deps, fields);
      if ((await triggers.list(principal.tenant)).length >= TRIGGERS_MAX) {
        throw new ApiError("invalid_value", `There are ${TRIGGERS_MAX} triggers: delete one first.`);
      }
      const created = await triggers.create({ ...principal, ...signature, ...fields, isEnabled });
      return c.json({ ...view(created.trigger), signing_secret: created.secret });
    })
    .get("/", async (c) => {
      const all = await triggers.list(c.var.principal.tenant);
      return c.json(pageView(all.map(view)));
    })
    .get("/:id", async (c) => c.json(view(await find(c))))
    .post("/:id", body(triggerUpdateSchema, bodyBytesMax), async (c) => {
      const { name, prompt, video, filter, enabled } = c.req.valid("json");
      const current = await find(c);
      rehearse(deps, { prompt: prompt ?? current.prompt, video: video ?? current.video });
      const updated = await triggers.update(current.tenant, current.id, {
        ...(name !== undefined && { name }),
        ...(prompt !== undefined && { prompt }),
        ...(video !== undefined && { video }),
        ...(filter !== undefined && { filter }),
        ...(enabled !== undefined && { isEnabled: enabled }),
      });
      return c.json(view(updated ?? missing()));
    })
    .delete("/:id", async (c) => {
      const id = c.req.param("id");
      if (!(await triggers.delete(c.var.principal.tenant, id))) missing();
      return c.json({ id, object: "trigger.deleted" as const, deleted: true as const });
    })
    .post("/:id/rotate_secret", body(triggerRotateSchema, bodyBytesMax), async (c) => {
      const { secret, keep_old_secret_active_for_24_hours: isKept } = c.req.valid("json");
      const { tenant, id, scheme } = await find(c);
      checkSecret(scheme, secret, "secret");
      const rotated = await triggers.rotate(tenant, id, { secret, keepMs: isKept ? DAY_MS : 0 });
      if (!rotated) missing();
      return c.json({ ...view(rotated.trigger), signing_secret: rotated.secret });
    })
    .post("/:id/dry_run", body(dryRunSchema, PAYLOAD_BYTES_MAX), async (c) => {
      const trigger = await find(c);
      const { payload } = c.req.valid("json");
      if (!passesFilter(trigger.filter, payload)) return c.json(skipped(trigger));
      const { prompt, ...params } = triggeredVideo(deps, trigger, payload).request;
      return c.json({ object: "trigger.dry_run" as const, trigger_id: trigger.id, prompt, params });
    });
}

/** Where others' webhooks arrive. They have no API key: who sends them proves it by the trigger's secret. */
export function triggerInvocation(deps: ApiDeps) {
  return new Hono<ApiEnv>().post("/:id/invoke", async (c) => {
    const bytes = await readBody(c.req, PAYLOAD_BYTES_MAX);
    const { headers } = c.req.raw;
    const authenticated = await deps.triggers.authenticate(c.req.param("id"), { headers, body: bytes });
    if (!authenticated) {
      throw new ApiError(
        "invalid_signature",
        "There is no enabled trigger with this id and secret, or the webhook was signed at another time.",
      );
    }
    const { trigger, delivery } = authenticated;
    const principal = { tenant: trigger.tenant, keyId: trigger.keyId };
    c.set("principal", principal);
    const payload = parsePayload(bytes, c.req.header("content-type"));
    // GitHub's way of asking whether anybody is there.
    if (trigger.scheme === "github" && c.req.header("x-github-event") === "ping") {
      return c.json({ object: "trigger.ping" as const, trigger_id: trigger.id });
    }
    if (!passesFilter(trigger.filter, payload)) return c.json(skipped(trigger));
    const { request, params, webhook } = triggeredVideo(deps, trigger, payload);
    const { id: deliveryId, ...repetition } = delivery;
    const { record, isReplay } = await orderVideo(deps, {
      principal,
      params,
      timeoutSeconds: request.timeout,
      metadata: request.metadata ?? {},
      webhook,
      claim: { scope: hash(`trigger\n${trigger.id}\n${deliveryId}`), ...repetition, isFirst: false },
    });
    const invocation = { trigger_id: trigger.id, video_id: record.id, is_replay: isReplay };
    return c.json({ object: "trigger.invocation" as const, ...invocation }, 202);
  });
}

function parsePayload(bytes: Uint8Array, contentType = ""): unknown {
  const mediaType = contentType.toLowerCase().split(";")[0]!.trim();
  if (mediaType === "application/x-www-form-urlencoded") {
    throw new ApiError(
      "unsupported_media_type",
      "Choose application/json as the content type in the settings of the webhook: forms are not read.",
    );
  }
  if (!/^application\/([\w.-]+\+)?json$/.test(mediaType)) {
    throw new ApiError("unsupported_media_type", "Send application/json.");
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ApiError("invalid_json", "The payload is not JSON in UTF-8.", { cause });
  }
}

function checkSecret(scheme: SignatureScheme, secret: string | undefined, param: string): void {
  const fault = secret === undefined ? null : secretFault(scheme, secret);
  if (fault !== null) throw new ApiError("invalid_value", `${param}: ${fault}`, { param });
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
