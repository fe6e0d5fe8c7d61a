import * as z from "zod";
import type { Declaration, Taker } from "../../lib/generation/request/index.ts";
import { EVENT_TYPES, type JobRecord } from "../../lib/service/jobs/index.ts";
import { urlText } from "./schemas/webhook-endpoint.ts";

/** Declaration of a field that describes the job, not the video. Its schema says whether the field is optional. */
interface OrderField<Asked extends z.ZodType, Schema extends z.ZodType> extends Declaration<Asked> {
  /** Field of `params` in answers; null for a field that is not part of `params`. */
  readonly told: { readonly schema: Schema; value(record: JobRecord): z.output<Schema> } | null;
}

function field<Asked extends z.ZodType, Schema extends z.ZodType = z.ZodNever>(
  declared: OrderField<Asked, Schema>,
): OrderField<Asked, Schema> {
  return declared;
}

/** Allowed seconds from a request to its job's deadline, and the usual ones. */
export const TIMEOUT_SECONDS = { least: 10, most: 6 * 3600, usual: 3600 } as const;

const METADATA_MAX = 16;

const metadataSchema = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((record) => Object.keys(record).length <= METADATA_MAX, `has more than ${METADATA_MAX} entries`)
  .meta({ maxProperties: METADATA_MAX });

/** Fields of a request that configure its job and its webhook, in the order of the API reference. */
const ORDER_FIELDS = {
  metadata: field({
    asked: metadataSchema
      .describe("Up to 16 texts of your own, echoed in the video and its webhooks.")
      .optional(),
    takenBy: ["create", "trigger", "remix"],
    told: null,
  }),
  video_metadata: field({
    asked: metadataSchema
      .describe("Another name of `metadata`, for clients behind proxies that keep that field for themselves.")
      .optional(),
    takenBy: ["create", "trigger", "remix"],
    told: null,
  }),
  timeout: field({
    asked: z
      .int()
      .min(TIMEOUT_SECONDS.least)
      .max(TIMEOUT_SECONDS.most)
      .default(TIMEOUT_SECONDS.usual)
      .describe(
        "Seconds after which an unfinished job fails. One that waits and is known not to end by then fails before.",
      ),
    takenBy: ["create", "trigger"],
    told: { schema: z.number(), value: ({ deadlineAt, createdAt }) => (deadlineAt - createdAt) / 1000 },
  }),
  webhook_url: field({
    asked: urlText.optional().describe("Told of this video, besides the webhook endpoints."),
    takenBy: ["create", "trigger", "remix"],
    told: { schema: z.string().nullable(), value: ({ webhook }) => webhook?.url ?? null },
  }),
  webhook_events: field({
    asked: z
      .array(z.enum(EVENT_TYPES))
      .min(1)
      .max(EVENT_TYPES.length)
      .optional()
      .describe("video.completed and video.failed when left out."),
    takenBy: ["create", "trigger", "remix"],
    told: { schema: z.array(z.string()).nullable(), value: ({ webhook }) => webhook?.events ?? null },
  }),
};

type OrderFields = typeof ORDER_FIELDS;
type AskedShape = { [Name in keyof OrderFields]: OrderFields[Name]["asked"] };
type ToldShape = {
  [Name in keyof OrderFields as OrderFields[Name] extends OrderField<infer _A, z.ZodNever>
    ? never
    : Name]: NonNullable<OrderFields[Name]["told"]>["schema"];
};

const fields: readonly (readonly [string, OrderField<z.ZodType, z.ZodType>])[] = Object.entries(ORDER_FIELDS);
const told = fields.flatMap(([name, { told }]) => (told ? [[name, told] as const] : []));

/** Returns the schemas of the fields that requests of the kind `taker` accept. */
export function orderShape(taker: Taker): AskedShape {
  const taken = fields.filter(([, { takenBy }]) => takenBy.includes(taker));
  return Object.fromEntries(taken.map(([name, { asked }]) => [name, asked])) as unknown as AskedShape;
}

/** Schemas of these fields as members of `params` in the API's answers. */
export const toldOrderShape = Object.fromEntries(
  told.map(([name, { schema }]) => [name, schema]),
) as unknown as ToldShape;

/** Returns the values of these fields as members of `params` in the API's answers. */
export function toldOrder(record: JobRecord): z.output<z.ZodObject<ToldShape>> {
  return Object.fromEntries(told.map(([name, { value }]) => [name, value(record)])) as ReturnType<
    typeof toldOrder
  >;
}
