import { resolveRequest } from "../../../../lib/generation/request/index.ts";
import {
  artifactKey,
  type JobEvent,
  type JobProgress,
  type JobRecord,
  queuedJob,
  transition,
  videoIdTime,
} from "../../../../lib/service/jobs/index.ts";
import type { VideoUrls } from "../../views/video.ts";
import { type Deployment, IDS } from "./example.ts";
import { sampleQuoteOf } from "./sample-quote.ts";
import { SAMPLE_STEPS, sampleReceipt } from "./sample-receipt.ts";

export const SAMPLE_PROMPT = "a red circle moves left over blue stripes";

const HOUR_MS = 3_600_000;
const created = videoIdTime(IDS.video);
const ref = { tenant: "default", id: IDS.video };
const holder = { owner: "worker", attempt: 1 };

/**
 * Makes the records of one job in its states, by the same transitions as a real job. Examples of answers are views of
 * them.
 */
export function sampleJobs({ models, retentionMs }: Pick<Deployment, "models" | "retentionMs">) {
  const [{ name, limits }] = models;
  const asked = { prompt: SAMPLE_PROMPT, seed: 1, steps: SAMPLE_STEPS, cache: "fast" };
  const request = resolveRequest(asked, { model: name, limits });
  const bare = queuedJob({
    ...ref,
    keyId: "key",
    createdAt: created,
    deadlineAt: created + HOUR_MS,
    expiresAt: created + retentionMs,
    params: request,
    metadata: { order: "42" },
    remixedFrom: null,
    webhook: null,
  });
  const queued = { ...bare, quote: sampleQuoteOf(bare, "measured") };
  const progress: JobProgress = {
    stage: "denoise",
    steps: SAMPLE_STEPS,
    done: 12,
    computed: 6,
    taken: "cccccrrrrcrr",
    secondsLeft: 0.9,
    preview: 12,
  };
  const claimed = after(queued, 90, { type: "claim", owner: holder.owner, leaseMs: HOUR_MS });
  const running = after(claimed, 2400, { type: "renew", ...holder, leaseMs: HOUR_MS, progress });
  return {
    queued,
    running,
    completed: after(running, 2962, {
      type: "complete",
      ...holder,
      outputs: outputs(),
      receipt: sampleReceipt(request, queued.quote),
    }),
    failed: after(running, HOUR_MS, { type: "expire" }),
    cancelled: after(running, 2500, { type: "cancel" }),
  };
}

function after(record: JobRecord, milliseconds: number, event: JobEvent): JobRecord {
  const next = transition(record, event, created + milliseconds);
  if (!next.ok) throw new Error(`The event ${event.type} of the sample job was refused: ${next.reason}.`);
  return next.record;
}

function outputs(): NonNullable<JobRecord["outputs"]> {
  const artifact = (name: string, contentType: string, bytes: number) => ({
    key: artifactKey(ref, 1, name),
    contentType,
    bytes,
    sha256: "c6c9364b68b33b084634de0185536f30024daa41f1ca0535c8d2eca40f879359",
  });
  return {
    video: artifact("video.mp4", "video/mp4", 8514),
    thumbnail: artifact("thumbnail.webp", "image/webp", 1204),
    uncached: null,
  };
}

/** Returns signed URLs of the completed sample that look like those of a bucket. */
export function sampleUrls({ outputs, finishedAt }: JobRecord): VideoUrls {
  const signed = (key: string) =>
    `https://adareel-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com/${key}` +
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=3f1b7d0c5a2e";
  const { video, thumbnail } = outputs!;
  return {
    video: signed(video.key),
    thumbnail: signed(thumbnail!.key),
    uncached: null,
    expiresAt: finishedAt! + HOUR_MS,
  };
}
