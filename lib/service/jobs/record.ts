import * as z from "zod";
import { LEASE_MS_MAX } from "../../shared/limits.ts";
import { quoteSchema } from "../quotes/index.ts";
import { receiptSchema } from "./receipt.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();
const count = z.int().nonnegative();

/**
 * Request of a job with every default filled in. The job store does not interpret it: the API that writes it and
 * the worker that reads it have its schema.
 */
const jobParamsSchema = z.looseObject({ model: z.string() });

export type JobParams = z.infer<typeof jobParamsSchema>;

export const EVENT_TYPES = ["video.queued", "video.in_progress", "video.completed", "video.failed"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const deliveryAttemptSchema = z.object({
  at: time,
  /** HTTP status of the receiver; null if it did not answer. */
  status: z.int().nullable(),
  /** Reason for which there was no answer; null if there was one. */
  reason: z.string().nullable(),
  milliseconds: count,
});

const deliverySchema = z.object({
  /** Id of a webhook endpoint, or `request` for the URL given in the job's own request. */
  target: z.string(),
  url: z.string(),
  state: z.enum(["pending", "delivered", "failed", "disabled"]),
  attempts: z.array(deliveryAttemptSchema),
  /** Number of attempts that belong to earlier schedules. A redelivery starts a new schedule. */
  scheduleFrom: count,
  /** Time at which the next attempt is due; null once settled. */
  nextAt: time.nullable(),
  /** Time until which a sender that has taken the delivery may hold it; null if none has since the last result. */
  takenUntil: time.nullable().default(null),
});

export type DeliveryAttempt = z.infer<typeof deliveryAttemptSchema>;
export type Delivery = z.infer<typeof deliverySchema>;

const webhookEventSchema = z.object({
  id: z.string(),
  type: z.enum(EVENT_TYPES),
  at: time,
  /** Body that every delivery sends, byte for byte; null until a delivery is planned. */
  body: z.string().nullable(),
  /** Deliveries, one for each receiver; null until the receivers have been looked up. */
  deliveries: z.array(deliverySchema).nullable(),
});

export type WebhookEvent = z.infer<typeof webhookEventSchema>;

const artifactSchema = z.object({
  key: z.string(),
  contentType: z.string(),
  bytes: z.int().positive(),
  sha256: z.string(),
});

export type Artifact = z.infer<typeof artifactSchema>;

const inputSchema = artifactSchema.extend({
  /** Pixels as they are stored, before an orientation in EXIF data is applied. */
  width: z.int().positive(),
  height: z.int().positive(),
});

/** Picture that a video is made of. */
export type Input = z.infer<typeof inputSchema>;

export const VARIANTS = ["video", "thumbnail", "uncached"] as const;
export type Variant = (typeof VARIANTS)[number];

const outputsSchema = z.object({
  video: artifactSchema,
  thumbnail: artifactSchema.nullable(),
  /** Video without cache, if the request asked for a comparison. */
  uncached: artifactSchema.nullable(),
});

export type Outputs = z.infer<typeof outputsSchema>;

const progressSchema = z.object({
  stage: z.enum(["load", "encode", "denoise", "decode", "write"]),
  steps: count,
  done: count,
  computed: count,
  /** Steps that are done, a character each: `c` if it was computed, `r` if it was reused. Older records lack it. */
  taken: z
    .string()
    .regex(/^[cr]*$/)
    .default(""),
  /** Seconds until the outputs of this attempt are stored, as the worker predicts them; null if it cannot. */
  secondsLeft: z.number().nonnegative().nullable().default(null),
  /** Steps that were done when the newest stored preview was made; null if there is none. */
  preview: count.nullable().default(null),
});

export type JobProgress = z.infer<typeof progressSchema>;

export const JOB_ERROR_CODES = [
  "canceled",
  "deadline_exceeded",
  "invalid_request",
  "input_lost",
  "out_of_memory",
  "stalled",
  "model_load_failed",
  "invalid_output",
  "internal_error",
  "worker_lost",
  "upload_failed",
  "signing_failed",
] as const;

const jobErrorSchema = z.object({ code: z.enum(JOB_ERROR_CODES), message: z.string() });

export type JobError = z.infer<typeof jobErrorSchema>;

const HISTORY_TYPES = [
  "created",
  "claimed",
  "lost",
  "released",
  "retried",
  "completed",
  "failed",
  "cancelled",
  "deleted",
] as const;

const historyEntrySchema = z.object({
  at: time,
  type: z.enum(HISTORY_TYPES),
  attempt: count,
});

export type HistoryEntry = z.infer<typeof historyEntrySchema>;

export const JOB_STATUSES = ["queued", "running", "completed", "failed", "cancelled"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Record of a job, and the only source of truth about it. A message that names a job is a hint to read its record. */
export const jobRecordSchema = z.object({
  /** Version of the schema. It is raised if an older version of the code could misread a record. */
  schema: z.literal(1),
  id: z.string(),
  tenant: z.string(),
  /** Id of the API key that created the job. */
  keyId: z.string(),
  status: z.enum(JOB_STATUSES),
  createdAt: time,
  updatedAt: time,
  /** Time of the first claim. */
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  /** Time by which the job fails if it is not finished. */
  deadlineAt: time,
  /** Time at which the outputs expire. */
  expiresAt: time,
  deletedAt: time.nullable(),
  params: jobParamsSchema,
  /** Pictures that the video is made of, by the names under which `params` mentions them. Older records lack it. */
  inputs: z.record(z.string(), inputSchema).default({}),
  metadata: z.record(z.string(), z.string()),
  remixedFrom: z.string().nullable(),
  webhook: z.object({ url: z.string(), events: z.array(z.enum(EVENT_TYPES)) }).nullable(),
  /** Quote that was made at its creation; null if none could be made, and in older records. */
  quote: quoteSchema.nullable().default(null),
  /** Number of claims so far. It only grows, and fences off replaced workers. */
  attempt: count,
  /** Number of workers that were lost. */
  losses: count,
  /** Number of attempts in which the model failed. */
  failures: count,
  lease: z
    .object({
      owner: z.string(),
      until: time,
      /** Duration of the lease in milliseconds; in older records the longest. */
      lengthMs: count.default(LEASE_MS_MAX),
    })
    .nullable(),
  /** Backend queue to which the job was submitted, and the time; null if it was submitted to none. */
  dispatched: z.object({ to: z.string(), at: time }).nullable().default(null),
  progress: progressSchema.nullable(),
  outputs: outputsSchema.nullable(),
  receipt: receiptSchema.nullable(),
  error: jobErrorSchema.nullable(),
  history: z.array(historyEntrySchema),
  /** Webhook events. An event is written together with the change of state that it reports. */
  events: z.array(webhookEventSchema),
});

export type JobRecord = z.infer<typeof jobRecordSchema>;

/** Reference to a job. The tenant comes from an API key or a stored object, never from the body of a request. */
export interface JobRef {
  readonly tenant: string;
  readonly id: string;
}

/** Fields of a job that its creator decides. */
export type NewJob = Partial<Pick<JobRecord, "quote">> &
  Pick<
    JobRecord,
    | "id"
    | "tenant"
    | "keyId"
    | "createdAt"
    | "deadlineAt"
    | "expiresAt"
    | "params"
    | "metadata"
    | "remixedFrom"
    | "webhook"
  >;

/** Returns the record of a new, queued job. */
export function queuedJob(job: NewJob, inputs: JobRecord["inputs"] = {}): JobRecord {
  const { createdAt } = job;
  return {
    ...job,
    schema: 1,
    quote: job.quote ?? null,
    inputs,
    status: "queued",
    updatedAt: createdAt,
    startedAt: null,
    finishedAt: null,
    deletedAt: null,
    attempt: 0,
    losses: 0,
    failures: 0,
    lease: null,
    dispatched: null,
    progress: null,
    outputs: null,
    receipt: null,
    error: null,
    history: [{ at: createdAt, type: "created", attempt: 0 }],
    events: [webhookEvent(job.id, "video.queued", createdAt)],
  };
}

/**
 * Returns a new event. A job has at most one event of each type, so the id is derived from the job and the type, and
 * concurrent writers make the same id.
 */
export function webhookEvent(jobId: string, type: EventType, at: number): WebhookEvent {
  const name = type.slice("video.".length);
  return { id: `evt_${jobId.slice("video_".length)}_${name}`, type, at, body: null, deliveries: null };
}

export function isFinished({ status }: Pick<JobRecord, "status">): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
