import { setTimeout as sleep } from "node:timers/promises";
import type { SSEStreamingApi } from "hono/streaming";
import { isFinished, type JobRecord, type JobRef, type JobStore } from "../../../lib/service/jobs/index.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import type { LiveJobs, StreamLimits } from "../env.ts";
import { newBell } from "./bell.ts";
import type { StreamEvent, Teller } from "./teller.ts";
import type { Told } from "./told.ts";

/** Stream that is held open. */
export interface HeldStream {
  readonly stream: SSEStreamingApi;
  /** State that the reader was told on an earlier connection. */
  readonly told: Told | null;
  /** Aborts when the reader is gone, or the service stops. */
  readonly leave: AbortSignal;
  /** Returns whether the key of the request is still valid. */
  readonly isAllowed: () => Promise<boolean>;
}

export interface HoldDeps {
  readonly jobs: Pick<JobStore, "read">;
  readonly live: LiveJobs;
  readonly limits: StreamLimits;
  readonly teller: Teller;
}

/** Time after which a reader comes again whose connection has ended, and after which a store is asked again. */
const RETRY_MS = 1_000;

/** End of a held stream. `unread` means that the reader took nothing for too long. */
export type HoldEnd = "over" | "left" | "refused" | "unread" | "expired";

/**
 * Tells of a video until it has ended. The next state is made only when the reader has taken the one before, so a slow
 * reader gets fewer and newer ones, and nothing piles up.
 *
 * @throws RecordError if the record is damaged
 */
export async function hold(
  ref: JobRef,
  { stream, told: earlier, leave, isAllowed }: HeldStream,
  { jobs, live, limits, teller }: HoldDeps,
): Promise<HoldEnd> {
  const bell = newBell();
  const endsAt = performance.now() + limits.lifeMs;
  let told = earlier;
  let record: JobRecord | null = null;
  let lookAt = 0;
  let wroteAt = performance.now();
  let isUnread = false;

  const isLeft = () => leave.aborted || stream.aborted;
  async function write(writing: Promise<unknown>): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(limits.drainMs, "late" as const, { signal: timer.signal }).catch(() => null);
    const outcome = await Promise.race([writing.then(() => null), late]);
    timer.abort();
    wroteAt = performance.now();
    isUnread ||= outcome === "late";
    return !isUnread && !isLeft();
  }
  const send = (event: StreamEvent) => write(stream.writeSSE(event));

  function look(): Promise<JobRecord | null> {
    lookAt = performance.now() + limits.lookMs;
    return jobs.read(ref);
  }

  /** Returns the time until there may be something to do, if no bell rings. */
  function restMs(isQueued: boolean): number {
    const now = performance.now();
    const queueAt = isQueued ? now + limits.queueLookMs : endsAt;
    return Math.max(0, Math.min(lookAt, endsAt, queueAt, wroteAt + limits.heartbeatMs) - now);
  }

  const unwatch = live.watch(ref, (what) => {
    if (what === "record") lookAt = 0;
    bell.ring();
  });
  leave.addEventListener("abort", bell.ring);
  try {
    if (!(await write(stream.write(`retry: ${RETRY_MS}\n\n`)))) return isUnread ? "unread" : "left";
    while (performance.now() < endsAt) {
      try {
        if (performance.now() >= lookAt) {
          if (!(await isAllowed())) return "refused";
          record = await look();
        }
        if (!record || record.deletedAt !== null) {
          await send({ event: "deleted", data: JSON.stringify(deletedView(ref)) });
          return "over";
        }
        const known = await teller.tell(record, told, send);
        if (!known || isLeft()) return isUnread ? "unread" : "left";
        told = known;
        if (isFinished(record)) return "over";
      } catch (error) {
        // A browser would not come again if it were told so.
        if (!(error instanceof StoreError)) throw error;
        lookAt = performance.now() + RETRY_MS;
      }
      if (performance.now() - wroteAt >= limits.heartbeatMs)
        if (!(await write(stream.write(": nothing new\n\n")))) return isUnread ? "unread" : "left";
      await bell.wait(restMs(record?.status === "queued"));
      if (isLeft()) return "left";
    }
    return "expired";
  } finally {
    unwatch();
    leave.removeEventListener("abort", bell.ring);
  }
}

const deletedView = ({ id }: JobRef) => ({ id, object: "video.deleted", deleted: true });
