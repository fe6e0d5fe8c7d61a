import * as z from "zod";
import { EVENT_TYPES } from "../../../lib/service/jobs/index.ts";
import { wordings } from "../../../lib/shared/sentences/index.ts";

/** Schema of the text of a webhook's URL; `checkWebhookUrl` checks the rest. */
export const urlText = z
  .string()
  .min(1)
  .max(2048)
  .register(wordings, { is: "a URL of at most 2048 characters, such as https://example.com/hook" });

const fields = {
  name: z.string().trim().min(1).max(80),
  url: urlText,
  event_types: z.array(z.enum(EVENT_TYPES)).min(1).max(EVENT_TYPES.length),
};

export const endpointCreateSchema = z.strictObject({
  name: fields.name.default("webhook"),
  url: fields.url,
  event_types: fields.event_types.default(["video.completed", "video.failed"]),
});

export const endpointUpdateSchema = z.strictObject(fields).partial();

export const rotateSchema = z.strictObject({
  keep_old_secret_active_for_24_hours: z.boolean().default(false),
});

export const testSchema = z.strictObject({ event_type: z.enum(EVENT_TYPES).default("video.completed") });

export const endpointSchema = z
  .object({
    id: z.string(),
    object: z.literal("webhook_endpoint"),
    name: z.string(),
    url: z.string(),
    event_types: z.array(z.string()),
    created_at: z.int(),
    updated_at: z.int(),
    disabled_at: z.int().nullable().describe("When its receiver answered 410; a new URL enables it again."),
    signing_secret_hint: z.string(),
  })
  .meta({ id: "WebhookEndpoint" });

export const endpointWithSecretSchema = endpointSchema
  .extend({ signing_secret: z.string().describe("Shown at creation and rotation only.") })
  .meta({ id: "WebhookEndpointWithSecret" });

export const testResultSchema = z.object({
  object: z.literal("webhook_endpoint.test"),
  webhook_endpoint_id: z.string(),
  event_type: z.string(),
  success: z.boolean(),
  status_code: z.int().nullable(),
  reason: z.string().nullable().describe("Why there was no answer."),
});

export type EndpointView = z.infer<typeof endpointSchema>;
