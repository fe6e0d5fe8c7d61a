import { hasUnsettled, isFinished, type JobRef, type JobStore } from "../../lib/service/jobs/index.ts";
import { jobAt, MessageError, type SqsHints } from "../../lib/service/queue/index.ts";
import { retry } from "../../lib/shared/retry.ts";
import type { Notification } from "./notification.ts";

export interface SettleDeps {
  readonly jobs: JobStore;
  /** Where SageMaker finds the jobs: `s3://bucket`. */
  readonly storeUrl: string;
  readonly hints: SqsHints;
  readonly sleep: (durationMs: number) => Promise<unknown>;
}

/** `held` has a worker, whose lease decides. */
export type Settled = "queued again" | "held" | "over" | "missing";

/** A container that refuses everything is not asked again at once. */
const PAUSE_SECONDS = 60;

/** An invocation may fail before whoever asked for it has written down that it did. */
const NOTE_MS = 5_000;

/**
 * Sees to a job whose invocation has ended: the container wrote its end, or nobody has the job any more.
 *
 * @throws MessageError if what was invoked was none of these jobs
 */
export async function settle(
  { jobs, storeUrl, hints, sleep }: SettleDeps,
  { inputLocation, failureReason }: Notification,
): Promise<{ readonly ref: JobRef; readonly outcome: Settled }> {
  const ref = jobAt(storeUrl, inputLocation);
  if (!ref) throw new MessageError("The invocation was of no job in this store.");
  const takeBack = () => jobs.apply(ref, { type: "undispatch" });
  const { record, ok } = await retry(takeBack, {
    waits: [NOTE_MS],
    sleep,
    isDone: (taken) => !taken.ok || taken.isChanged || failureReason === null,
  });
  if (ok) {
    await hints.work(ref, failureReason === null ? 0 : PAUSE_SECONDS);
    return { ref, outcome: "queued again" };
  }
  if (!record) return { ref, outcome: "missing" };
  if (!isFinished(record)) return { ref, outcome: "held" };
  if (hasUnsettled(record)) await hints.webhooks(ref);
  return { ref, outcome: "over" };
}
