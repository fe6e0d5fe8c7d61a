import * as z from "zod";
import { receiptSchema } from "./receipt.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();
const count = z.int().nonnegative();

/**
 * Request of a job with every default filled in. A job store carries it as it is: the API that writes it and the worker
 * that reads it have its schema.
 */
const jobParamsSchema = z.looseObject({ model: z.string() });

export type JobParams = z.infer<typeof jobParamsSchema>;

export const EVENT_TYPES = ["video.queued", "video.in_progress", "video.completed", "video.failed"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const deliveryAttemptSchema = z.object({
  at: time,
  /** The receiver's HTTP status; null when there was no answer. */
  status: z.int().nullable(),
  /** Why there was no answer. */
  reason: z.string().nullable(),
  milliseconds: count,
});

const deliverySchema = z.object({
  /** A webhook endpoint's id, or `request` for the address that came with the job. */
  target: z.string(),
  url: z.string(),
  state: z.enum(["pending", "delivered", "failed", "disabled"]),
  attempts: z.array(deliveryAttemptSchema),
  /** The attempts before this one belong to an earlier schedule: somebody asked for the delivery again. */
  scheduleFrom: count,
  /** When the next attempt is due; null once settled. */
  nextAt: time.nullable(),
});

export type DeliveryAttempt = z.infer<typeof deliveryAttemptSchema>;
export type Delivery = z.infer<typeof deliverySchema>;

const webhookEventSchema = z.object({
  id: z.string(),
  type: z.enum(EVENT_TYPES),
  at: time,
  /** The exact bytes every delivery sends; null until the first is planned. */
  body: z.string().nullable(),
  /** Null until it was looked up who is to be told. */
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

export const VARIANTS = ["video", "thumbnail", "uncached"] as const;
export type Variant = (typeof VARIANTS)[number];

const outputsSchema = z.object({
  video: artifactSchema,
  thumbnail: artifactSchema.nullable(),
  /** The same video without cache, when a comparison was asked for. */
  uncached: artifactSchema.nullable(),
});

export type Outputs = z.infer<typeof outputsSchema>;

const progressSchema = z.object({
  stage: z.enum(["load", "encode", "denoise", "decode", "write"]),
  steps: count,
  done: count,
  computed: count,
});

export type JobProgress = z.infer<typeof progressSchema>;

export const JOB_ERROR_CODES = [
  "canceled",
  "deadline_exceeded",
  "invalid_request",
  "out_of_memory",
  "model_load_failed",
  "invalid_output",
  "internal_error",
  "worker_lost",
  "upload_failed",
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

/** One job: the only truth about it. A message that names a job is a hint to look here. */
export const jobRecordSchema = z.object({
  /** Raised when an older version of the code could misread a record. */
  schema: z.literal(1),
  id: z.string(),
  tenant: z.string(),
  /** The API key that asked. */
  keyId: z.string(),
  status: z.enum(JOB_STATUSES),
  createdAt: time,
  updatedAt: time,
  /** The first claim. */
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  /** A job that is not finished by then fails. */
  deadlineAt: time,
  /** When the outputs go. */
  expiresAt: time,
  deletedAt: time.nullable(),
  params: jobParamsSchema,
  metadata: z.record(z.string(), z.string()),
  remixedFrom: z.string().nullable(),
  webhook: z.object({ url: z.string(), events: z.array(z.enum(EVENT_TYPES)) }).nullable(),
  /** Claims so far: the fence. Only ever grows. */
  attempt: count,
  /** Workers that went silent. */
  losses: count,
  /** Attempts in which the model failed. */
  failures: count,
  lease: z.object({ owner: z.string(), until: time }).nullable(),
  /** The backend's queue that the job was put into, and when; null while it is in none. */
  dispatched: z.object({ to: z.string(), at: time }).nullable().default(null),
  progress: progressSchema.nullable(),
  outputs: outputsSchema.nullable(),
  receipt: receiptSchema.nullable(),
  error: jobErrorSchema.nullable(),
  history: z.array(historyEntrySchema),
  /** What webhooks tell of; written together with the state it tells of. */
  events: z.array(webhookEventSchema),
});

export type JobRecord = z.infer<typeof jobRecordSchema>;

/** What names a job. The tenant comes from a key, never from a request's body. */
export interface JobRef {
  readonly tenant: string;
  readonly id: string;
}

/** What whoever asks for a video decides about the job. */
export type NewJob = Pick<
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

/** A job nobody has begun. */
export function queuedJob(job: NewJob): JobRecord {
  const { createdAt } = job;
  return {
    ...job,
    schema: 1,
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

/** Every job has at most one event of a type, so the id needs no randomness: all who write it write the same. */
export function webhookEvent(jobId: string, type: EventType, at: number): WebhookEvent {
  const name = type.slice("video.".length);
  return { id: `evt_${jobId.slice("video_".length)}_${name}`, type, at, body: null, deliveries: null };
}

export function isFinished({ status }: Pick<JobRecord, "status">): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Whether somebody may still have to be told of what happened to the job. */
export function hasUnsettled({ events }: Pick<JobRecord, "events">): boolean {
  return events.some(
    ({ deliveries }) => deliveries === null || deliveries.some(({ state }) => state === "pending"),
  );
}
