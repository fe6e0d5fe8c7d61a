import * as z from "zod";
import { publishedCacheSchema, publishedStepSchema } from "../../../lib/generation/caching/index.ts";
import { toldShape } from "../../../lib/generation/request/index.ts";
import { JOB_ERROR_CODES, receiptSchema } from "../../../lib/service/jobs/index.ts";
import { quoteSchema } from "../../../lib/service/quotes/index.ts";
import { toldOrderShape } from "../order-fields.ts";
import { toldPictureShape } from "../picture-fields.ts";

const unixSeconds = z.int();

const videoStatus = z.enum(["queued", "in_progress", "completed", "failed"]);

export type VideoStatus = z.infer<typeof videoStatus>;

/** Schema of the stored receipt, with the schedule columns and cache options of all policies. */
const publishedReceiptSchema = receiptSchema.extend({
  schedule: z.array(publishedStepSchema),
  cache: publishedCacheSchema,
});

/** Schema of a video in the API's answers: the wire format of OpenAI's Videos API, with additional fields. */
export const videoSchema = z
  .object({
    id: z.string(),
    object: z.literal("video"),
    status: videoStatus.describe("A cancelled job is `failed` with the error code `canceled`."),
    progress: z.int().min(0).max(100).describe("Percent; 100 once the video can be downloaded."),
    created_at: unixSeconds.describe("Seconds since 1970, as all times."),
    started_at: unixSeconds.nullable().describe("When a worker took it first."),
    completed_at: unixSeconds.nullable(),
    expires_at: unixSeconds.nullable().describe("When the outputs are deleted."),
    model: z.string(),
    prompt: z.string().nullable(),
    seconds: z.string().describe("Length, as a text, as in OpenAI's format."),
    size: z.string().describe("Width x height in pixels."),
    remixed_from_video_id: z.string().nullable().describe("The video whose settings it took."),
    error: z
      .object({ code: z.enum(JOB_ERROR_CODES), message: z.string() })
      .nullable()
      .describe("Why it failed; null for every other status."),
    queue_position: z
      .int()
      .nullable()
      .describe(
        "Unfinished videos whose turn comes before, by turns of tenants and of their keys; null once it runs.",
      ),
    stage: z.string().nullable().describe("What the worker does: load, encode, denoise, decode or write."),
    steps_done: z.int().nullable().describe("Denoising steps that are done, while it is being made."),
    seconds_left: z
      .number()
      .nullable()
      .describe(
        "Seconds until it is there: by its quote while it waits, then as its worker predicts; null where nobody can tell.",
      ),
    preview_url: z
      .string()
      .nullable()
      .describe("A small moving picture of what it becomes, signed, while it is being made; null in lists."),
    url: z.string().nullable().describe("The MP4, signed, made anew on each request; null in lists."),
    url_expires_at: unixSeconds.nullable().describe("When the signed URLs stop working."),
    thumbnail_url: z.string().nullable().describe("A picture of the video, signed."),
    uncached_url: z
      .string()
      .nullable()
      .describe("The video without cache, where a comparison was asked for."),
    params: z
      .object({ ...toldShape, ...toldPictureShape, ...toldOrderShape })
      .describe("The request with every default filled in."),
    metadata: z.record(z.string(), z.string()).describe("Your own texts, as they were given."),
    quote: quoteSchema
      .nullable()
      .describe("What it was expected to take, and cost, when it was asked for; null if nobody could tell."),
    compute: publishedReceiptSchema.nullable().describe("The compute receipt of a completed video."),
    attempts: z.int().nonnegative().describe("How many workers have begun it."),
  })
  .meta({ id: "Video" });

export type Video = z.infer<typeof videoSchema>;

export const videoContentSchema = z.object({
  object: z.literal("video.content"),
  url: z.string().describe("Signed: fetch it without an `Authorization` header."),
  url_expires_at: z.int(),
});

export const deletedSchema = z.object({ id: z.string(), object: z.string(), deleted: z.literal(true) });

/** Returns the schema of one page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable().describe("The id `after` which the next page begins."),
    has_more: z.boolean().describe("Whether there is a next page."),
  });

const attempt = z.object({
  at: unixSeconds,
  status: z.int().nullable(),
  reason: z.string().nullable(),
  milliseconds: z.int(),
});

export const videoEventsSchema = z
  .object({
    object: z.literal("video.events"),
    video_id: z.string(),
    lifecycle: z.array(z.object({ type: z.string(), at: unixSeconds, attempt: z.int() })),
    webhooks: z.array(
      z.object({
        id: z.string(),
        type: z.string(),
        created_at: unixSeconds,
        deliveries: z
          .array(
            z.object({
              target: z.string().describe("A webhook endpoint's id, or `request`."),
              url: z.string(),
              state: z.enum(["pending", "delivered", "failed", "disabled"]),
              next_attempt_at: unixSeconds.nullable(),
              attempts: z.array(attempt),
            }),
          )
          .nullable()
          .describe("Null until it was looked up who is to be told."),
      }),
    ),
  })
  .meta({ id: "VideoEvents" });

export type VideoEvents = z.infer<typeof videoEventsSchema>;
