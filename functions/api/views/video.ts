import { resolvedRequestSchema, toldRequest } from "../../../lib/generation/request/index.ts";
import { type JobRecord, type JobStatus, previewKey } from "../../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import { toldOrder } from "../order-fields.ts";
import { toldPictures } from "../picture-fields.ts";
import type { Video, VideoEvents, VideoStatus } from "../schemas/video.ts";
import { secondsLeft } from "./seconds-left.ts";

/**
 * Statuses in OpenAI's wire format, by the status of the job. A cancelled job is `failed`, because OpenAI's clients
 * would poll for ever on a status that they do not know.
 */
export const STATUS_NAMES: Readonly<Record<JobStatus, VideoStatus>> = {
  queued: "queued",
  running: "in_progress",
  completed: "completed",
  failed: "failed",
  cancelled: "failed",
};

/** Percentage of the progress for the denoising steps; the rest is for decoding, writing and storing. */
const DENOISING_PERCENT = 90;
const STAGE_PERCENT = { load: 0, encode: 0, denoise: 0, decode: 92, write: 97 } as const;

export interface VideoUrls {
  readonly video: string;
  readonly thumbnail: string | null;
  readonly uncached: string | null;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

export interface VideoViewOptions {
  /** URLs of the outputs; null in lists, and for a video without outputs. */
  readonly urls?: VideoUrls | null;
  /** URL of the newest preview; null in lists, and for a video without one. */
  readonly previewUrl?: string | null;
  readonly queuePosition?: number | null;
  /** Time of the answer in milliseconds since 1970; left out in lists, where no quote is reckoned up. */
  readonly now?: number;
}

/** Converts a job record to a video in the API's answers. */
export function videoView(
  record: JobRecord,
  {
    urls = null,
    previewUrl = null,
    queuePosition = null,
    now = Number.POSITIVE_INFINITY,
  }: VideoViewOptions = {},
): Video {
  const progress = record.status === "running" ? record.progress : null;
  const request = resolvedRequestSchema.parse(record.params);
  return {
    id: record.id,
    object: "video",
    status: STATUS_NAMES[record.status],
    progress: percentOf(record),
    created_at: unixSeconds(record.createdAt),
    started_at: record.startedAt && unixSeconds(record.startedAt),
    completed_at: record.status === "completed" ? unixSeconds(record.finishedAt!) : null,
    expires_at: record.outputs && unixSeconds(record.expiresAt),
    model: request.model,
    prompt: request.prompt,
    seconds: String(Number((request.frames / request.fps).toFixed(3))),
    size: `${request.width}x${request.height}`,
    remixed_from_video_id: record.remixedFrom,
    error: record.error,
    queue_position: record.status === "queued" ? queuePosition : null,
    stage: progress?.stage ?? null,
    steps_done: progress?.done ?? null,
    seconds_left: secondsLeft(record, now),
    preview_url: previewUrl,
    url: urls?.video ?? null,
    url_expires_at: urls && unixSeconds(urls.expiresAt),
    thumbnail_url: urls?.thumbnail ?? null,
    uncached_url: urls?.uncached ?? null,
    params: { ...toldRequest(request), ...toldPictures(record), ...toldOrder(record) },
    metadata: record.metadata,
    quote: record.quote,
    compute: record.receipt,
    attempts: record.attempt,
  };
}

/** Returns the progress in percent. It reaches 100 only when the job is completed and the video can be read. */
function percentOf({ status, progress }: JobRecord): number {
  if (status === "completed") return 100;
  if (status !== "running" || !progress || progress.steps === 0) return 0;
  const denoised = Math.floor((DENOISING_PERCENT * progress.done) / progress.steps);
  return Math.max(denoised, STAGE_PERCENT[progress.stage]);
}

/** Returns the lifecycle and the webhook deliveries of a job. */
export function eventsView(record: JobRecord): VideoEvents {
  return {
    object: "video.events",
    video_id: record.id,
    lifecycle: record.history.map(({ at, ...entry }) => ({ ...entry, at: unixSeconds(at) })),
    webhooks: record.events.map(({ id, type, at, deliveries }) => ({
      id,
      type,
      created_at: unixSeconds(at),
      deliveries:
        deliveries?.map(({ target, url, state, attempts, nextAt }) => ({
          target,
          url,
          state,
          next_attempt_at: nextAt && unixSeconds(nextAt),
          attempts: attempts.map((attempt) => ({ ...attempt, at: unixSeconds(attempt.at) })),
        })) ?? null,
    })),
  };
}

/** Signs URLs of all outputs of a job, valid for `seconds`. Resolves to null if it has no outputs, or they expired. */
export async function signUrls(
  store: ObjectStore,
  { outputs, expiresAt }: JobRecord,
  now: number,
  seconds = 3600,
): Promise<VideoUrls | null> {
  const validSeconds = Math.min(seconds, Math.floor((expiresAt - now) / 1000));
  if (!outputs || validSeconds < 1) return null;
  const sign = ({ key, contentType }: { key: string; contentType: string }) =>
    store.signedUrl(key, { expiresInSeconds: validSeconds, contentType });
  return {
    video: await sign(outputs.video),
    thumbnail: outputs.thumbnail && (await sign(outputs.thumbnail)),
    uncached: outputs.uncached && (await sign(outputs.uncached)),
    expiresAt: now + validSeconds * 1000,
  };
}

const PREVIEW_SECONDS = 3600;

/** Signs the URL of the newest preview of a video that is being made; null if there is none. */
export async function signPreview(
  store: Pick<ObjectStore, "signedUrl">,
  record: JobRecord,
): Promise<string | null> {
  const { status, progress, attempt } = record;
  if (status !== "running" || (progress?.preview ?? null) === null) return null;
  const options = { expiresInSeconds: PREVIEW_SECONDS, contentType: "image/webp" };
  return store.signedUrl(previewKey(record, attempt), options);
}

export function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
