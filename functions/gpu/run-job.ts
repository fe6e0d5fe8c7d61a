import { setTimeout as sleep } from "node:timers/promises";
import type { JobEvent, JobRecord, JobRef } from "../../lib/service/jobs/index.ts";
import { isFinished } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { every, retry } from "../../lib/shared/retry.ts";
import { failureOf, JobFailure } from "./failure.ts";
import { keepLease, type Lease, type LeaseOptions } from "./lease.ts";
import { reasonOf } from "./log.ts";
import { type MakeOptions, makeVideo } from "./make-video.ts";

export interface JobRunOptions extends LeaseOptions, Omit<MakeOptions, "signal" | "onProgress"> {
  /** How long an attempt may run before the job fails for good, since it would take as long again. */
  readonly maxRunMs: number;
  /** The job has begun or ended. */
  readonly onChange: (record: JobRecord) => void;
}

/** Pause between two tries to write how a job ended. */
const RETRY_MS = 500;

/**
 * Runs a job if it can be claimed, and returns the record as it stands then; null if there is no such job.
 *
 * @param handBack  aborts when the job is to be given back at once, unfinished
 * @throws StoreError when the store does not answer; a job that was begun is then left to its lease
 */
export async function runJob(
  ref: JobRef,
  handBack: AbortSignal,
  options: JobRunOptions,
): Promise<JobRecord | null> {
  const { jobs, owner, leaseMs, onChange } = options;
  const claimed = await jobs.apply(ref, { type: "claim", owner, leaseMs });
  if (!claimed.ok) return claimed.reason === "overdue" ? expire(ref, options) : claimed.record;
  onChange(claimed.record);
  // The claim may have ended the job, because too many workers were lost, or was undone since.
  if (claimed.record.lease?.owner !== owner) return claimed.record;

  const lease = keepLease(claimed.record, options);
  const event = await work(claimed.record, lease, handBack, options);
  await lease.close();
  const record = lease.lost ? await lose(ref, lease, options) : await settle(ref, event, lease, options);
  tell(record ?? claimed.record, lease, options);
  return record;
}

function overrun(maxRunMs: number, cause: unknown): JobFailure {
  const limit =
    maxRunMs < 60_000 ? `${maxRunMs / 1_000} seconds` : `${Math.round(maxRunMs / 60_000)} minutes`;
  const message = `The video took longer than the ${limit} that one may run.`;
  return new JobFailure("deadline_exceeded", message, { cause, isRetryable: false });
}

/** What is to be written when the work is over; of no meaning once the lease is lost. */
async function work(
  record: JobRecord,
  lease: Lease,
  handBack: AbortSignal,
  options: JobRunOptions,
): Promise<JobEvent> {
  const { id, attempt } = record;
  const limit = AbortSignal.timeout(options.maxRunMs);
  try {
    const signal = AbortSignal.any([lease.signal, handBack, limit]);
    const making = makeVideo(record, { ...options, signal, onProgress: lease.report });
    // What cannot be interrupted is not waited for by a process that has to go.
    return { type: "complete", ...(await unlessAborted(making, handBack)), ...lease.holder };
  } catch (cause) {
    if (handBack.aborted) return { type: "release", ...lease.holder };
    const { code, message, isRetryable, ...failure } = limit.aborted
      ? overrun(options.maxRunMs, cause)
      : failureOf(cause);
    if (!lease.lost)
      options.log.warn({ id, attempt, code, reason: reasonOf(failure.cause ?? cause) }, message);
    return { type: "fail", error: { code, message }, isRetryable, ...lease.holder };
  }
}

async function settle(
  ref: JobRef,
  event: JobEvent,
  { until }: Lease,
  { jobs, clock, onChange }: JobRunOptions,
): Promise<JobRecord | null> {
  const { record } = await retry(() => jobs.apply(ref, event), {
    waits: every(RETRY_MS),
    sleep,
    isRetryable: (error) => error instanceof StoreError,
    until: { clock, at: until },
  });
  if (record && isFinished(record)) onChange(record);
  return record;
}

/** The work was for nothing: somebody else has decided about the job, or its time is over. */
function lose(ref: JobRef, { lost }: Lease, options: JobRunOptions): Promise<JobRecord | null> {
  return lost === "overdue" ? expire(ref, options) : options.jobs.read(ref);
}

async function expire(ref: JobRef, { jobs, onChange }: JobRunOptions): Promise<JobRecord | null> {
  const expired = await jobs.apply(ref, { type: "expire" });
  if (expired.ok) onChange(expired.record);
  return expired.record;
}

function tell({ id, tenant, status, receipt, error }: JobRecord, lease: Lease, { log }: JobRunOptions): void {
  const { attempt } = lease.holder;
  const seconds = receipt?.attempt === attempt ? receipt.seconds : undefined;
  log.info({ id, tenant, attempt, status, lost: lease.lost, code: error?.code, seconds }, "job");
}

function unlessAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
