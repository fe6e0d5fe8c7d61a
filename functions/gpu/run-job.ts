import { setTimeout as sleep } from "node:timers/promises";
import type { JobEvent, JobRecord, JobRef } from "../../lib/service/jobs/index.ts";
import { isFinished } from "../../lib/service/jobs/index.ts";
import type { RunStore } from "../../lib/service/quotes/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { every, retry } from "../../lib/shared/retry.ts";
import { type AttemptListeners, type AttemptTeller, tellOfAttempt } from "./attempt-teller.ts";
import { failureOf, JobFailure } from "./failure.ts";
import { keepLease, type Lease, type LeaseOptions } from "./lease.ts";
import type { LeastTime } from "./least-time.ts";
import { reasonOf } from "./log.ts";
import { type FinishedRun, type MakeOptions, makeVideo } from "./make-video.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface JobRunOptions
  extends LeaseOptions,
    AttemptListeners,
    Omit<MakeOptions, "signal" | "onProgress" | "onPreview"> {
  /** Maximum run time of an attempt. A job that exceeds it fails for good, since a retry would take as long. */
  readonly maxRunMs: number;
  /** Keeps what finished runs took, for quotes; left out where none are made. */
  readonly runs?: RunStore | undefined;
  /** Called when the job has begun or ended. */
  readonly onChange: (record: JobRecord) => void;
}

/** Result of {@link runJob}. */
export interface JobRun {
  /** False if the job could not be claimed, so that this worker may run another one. */
  readonly hasRun: boolean;
  /** Record afterwards; null if there is no such job. */
  readonly record: JobRecord | null;
}

/** Needs of {@link refuseLate}. */
export type RefusalOptions = Pick<JobRunOptions, "jobs" | "clock" | "log" | "onChange"> & {
  readonly leastTime: LeastTime;
};

/** Pause between two attempts to write the end of a job. */
const RETRY_MS = 500;

/**
 * Fails a waiting job whose video cannot be made any more by its deadline, so that its time goes to one that can.
 * Resolves to whether it did.
 *
 * @throws StoreError if the store does not answer
 */
export async function refuseLate(ref: JobRecord, options: RefusalOptions): Promise<boolean> {
  const { jobs, clock, log, leastTime, onChange } = options;
  const leastMs = await leastTime(ref);
  if (leastMs === null || clock.now() + leastMs < ref.deadlineAt) return false;
  const refused = await jobs.apply(ref, { type: "expire", leastMs });
  if (!refused.ok) return false;
  const { id, tenant, error } = refused.record;
  log.info({ id, tenant, code: error?.code }, error?.message);
  onChange(refused.record);
  return true;
}

/**
 * Runs a job if it can be claimed.
 *
 * @param handBack  aborts when the job is to be released at once, unfinished
 * @throws StoreError if the store does not answer; a running job is then left until its lease expires
 */
export async function runJob(ref: JobRef, handBack: AbortSignal, options: JobRunOptions): Promise<JobRun> {
  const { jobs, owner, leaseMs, onChange } = options;
  const claimed = await jobs.apply(ref, { type: "claim", owner, leaseMs });
  if (!claimed.ok) {
    const isOverdue = claimed.reason === "overdue";
    return { hasRun: false, record: isOverdue ? await expire(ref, options) : claimed.record };
  }
  onChange(claimed.record);
  // The claim ends a job that has lost too many workers. A later write may also have revoked the claim.
  if (claimed.record.lease?.owner !== owner) return { hasRun: false, record: claimed.record };

  const lease = keepLease(claimed.record, options);
  const told = tellOfAttempt(claimed.record, lease, options);
  try {
    const { event, run } = await work(claimed.record, lease, handBack, { ...options, told });
    await lease.close();
    const record = lease.lost ? await lose(ref, lease, options) : await settle(ref, event, lease, options);
    tell(record ?? claimed.record, lease, options);
    if (run && record?.status === "completed") await keep(run, record, options);
    return { hasRun: true, record };
  } finally {
    await told.end();
  }
}

/** Keeps what a run took, for quotes. The video is made, whatever becomes of that. */
async function keep({ model, took }: FinishedRun, { id }: JobRecord, { runs, log }: JobRunOptions) {
  await runs?.add(model, took).catch((error: unknown) => {
    log.warn({ id, reason: reasonOf(error) }, "what the video took could not be kept for quotes");
  });
}

function overrun(maxRunMs: number, cause: unknown): JobFailure {
  const limit =
    maxRunMs < 60_000 ? `${maxRunMs / 1_000} seconds` : `${Math.round(maxRunMs / 60_000)} minutes`;
  const message = `The video took longer than the limit of ${limit}.`;
  return new JobFailure("deadline_exceeded", message, { cause, isRetryable: false });
}

interface Worked {
  /** Event to write, which is ignored if the lease was lost. */
  readonly event: JobEvent;
  readonly run: FinishedRun | null;
}

/** Makes the video, and returns what to write. */
async function work(
  record: JobRecord,
  lease: Lease,
  handBack: AbortSignal,
  { told, ...options }: JobRunOptions & { readonly told: AttemptTeller },
): Promise<Worked> {
  const { id, attempt } = record;
  const limit = AbortSignal.timeout(options.maxRunMs);
  try {
    const signal = AbortSignal.any([lease.signal, handBack, limit]);
    const { report: onProgress, show: onPreview } = told;
    const making = makeVideo(record, { ...options, signal, onProgress, onPreview });
    // A process that must exit does not wait for work that it cannot interrupt.
    const { run, ...made } = await unlessAborted(making, handBack);
    return { event: { type: "complete", ...made, ...lease.holder }, run };
  } catch (cause) {
    const ended = (event: JobEvent) => ({ event, run: null });
    if (handBack.aborted) return ended({ type: "release", ...lease.holder });
    const { code, message, isRetryable, isLoss, ...failure } = limit.aborted
      ? overrun(options.maxRunMs, cause)
      : failureOf(cause);
    if (!lease.lost)
      options.log.warn({ id, attempt, code, reason: reasonOf(failure.cause ?? cause) }, message);
    if (isLoss) return ended({ type: "abandon", owner: lease.holder.owner });
    return ended({ type: "fail", error: { code, message }, isRetryable, ...lease.holder });
  }
}

async function settle(
  ref: JobRef,
  event: JobEvent,
  { until }: Lease,
  { jobs, onChange }: JobRunOptions,
): Promise<JobRecord | null> {
  const { record } = await retry(() => jobs.apply(ref, event), {
    waits: every(RETRY_MS),
    sleep,
    isRetryable: (error) => error instanceof StoreError,
    until: { clock: { now: () => performance.now() }, at: until },
  });
  if (record && isFinished(record)) onChange(record);
  return record;
}

/** Returns the record after the lease was lost. A job past its deadline is expired. */
async function lose(ref: JobRef, { lost }: Lease, options: JobRunOptions): Promise<JobRecord | null> {
  if (lost === "overdue") return expire(ref, options);
  const record = await options.jobs.read(ref);
  if (record && isFinished(record)) options.onChange(record);
  return record;
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
