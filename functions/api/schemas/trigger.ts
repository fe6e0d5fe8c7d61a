import * as z from "zod";
import { parsePointer, SIGNATURE_SCHEMES } from "../../../lib/service/triggers/index.ts";
import { wordings } from "../../../lib/shared/sentences/index.ts";
import { triggerVideoSchema } from "./video-request.ts";
import { rotateSchema } from "./webhook-endpoint.ts";

const TEMPLATE_CHARACTERS_MAX = 4000;
const CONDITIONS_MAX = 8;

const secret = z
  .string()
  .max(256)
  // Which secrets fit depends on the scheme, so `secretFault` checks them; all have these bounds.
  .meta({ minLength: 16, pattern: "^[!-~]*$" })
  .optional()
  .describe(
    "The sender's own secret, if it insists on one; drawn when left out. Bearer tokens are kept hashed.",
  );

const fields = {
  name: z.string().trim().min(1).max(80),
  prompt: z
    .string()
    .min(1)
    .max(TEMPLATE_CHARACTERS_MAX)
    .describe("A template with JSON pointers (RFC 6901), such as `{{/issue/title}}`; `{{{{` is two braces."),
  video: triggerVideoSchema.describe(
    "What else POST /v1/videos takes, the same for every video. The texts of `metadata` are templates too.",
  ),
  filter: z
    .array(
      z.strictObject({
        pointer: z
          .string()
          .max(256)
          .refine((text) => parsePointer(text) !== null, "must be a JSON pointer such as /action")
          .meta({ pattern: "^(/([^/~]|~[01])*)*$" }),
        equals: z.union([z.string().max(512), z.number(), z.boolean(), z.null()]),
      }),
    )
    .max(CONDITIONS_MAX)
    .register(wordings, { entry: "condition" })
    .describe("All must hold of a payload; others make no video and are answered with 200."),
  enabled: z.boolean(),
};

export const triggerCreateSchema = z.strictObject({
  name: fields.name.default("trigger"),
  prompt: fields.prompt,
  signature: z.strictObject({ scheme: z.enum(SIGNATURE_SCHEMES), secret }),
  video: fields.video.prefault({}),
  filter: fields.filter.default([]),
  enabled: fields.enabled.default(true),
});

export const triggerUpdateSchema = z.strictObject(fields).partial();

export const triggerRotateSchema = rotateSchema.extend({ secret });

export const dryRunSchema = z.strictObject({
  payload: z.unknown().refine((payload) => payload !== undefined, "must be what the sender would send"),
});

export const triggerSchema = z
  .object({
    id: z.string(),
    object: z.literal("trigger"),
    name: z.string(),
    prompt: z.string(),
    signature: z.object({
      scheme: z.enum(SIGNATURE_SCHEMES),
      old_secret_active_until: z.int().nullable().describe("After a rotation that keeps the old secret."),
    }),
    video: z.record(z.string(), z.unknown()),
    filter: z.array(
      z.object({
        pointer: z.string(),
        equals: z.union([z.string(), z.number(), z.boolean(), z.null()]),
      }),
    ),
    enabled: z.boolean(),
    invoke_path: z.string().describe("Where the sender posts its webhooks to."),
    created_at: z.int(),
    updated_at: z.int(),
  })
  .meta({ id: "Trigger" });

export type TriggerView = z.infer<typeof triggerSchema>;

export const triggerWithSecretSchema = triggerSchema
  .extend({ signing_secret: z.string().describe("Shown at creation and rotation only.") })
  .meta({ id: "TriggerWithSecret" });

const skipped = z.object({ object: z.literal("trigger.skipped"), trigger_id: z.string() });

/** Schema of the answer 202 to a webhook that makes a video. */
export const invocationSchema = z.object({
  object: z.literal("trigger.invocation"),
  trigger_id: z.string(),
  video_id: z.string(),
  is_replay: z.boolean().describe("Whether an earlier delivery had made this video."),
});

/** Schema of the answer 200 to a webhook that makes no video: a ping, or a payload that the filter does not want. */
export const invokedSchema = z.discriminatedUnion("object", [
  z.object({ object: z.literal("trigger.ping"), trigger_id: z.string() }),
  skipped,
]);

export const dryRunResultSchema = z.discriminatedUnion("object", [
  z.object({
    object: z.literal("trigger.dry_run"),
    trigger_id: z.string(),
    prompt: z.string(),
    params: z
      .record(z.string(), z.unknown())
      .describe("With the prompt, the body that POST /v1/videos takes for the same video."),
  }),
  skipped,
]);
