import { CLOCK_SKEW_MS, isAhead, isFromFuture } from "../../shared/ahead.ts";
import type { Receipt } from "./receipt.ts";
import type { JobStatus, Outputs } from "./record.ts";
import {
  type HistoryEntry,
  isFinished,
  type JobError,
  type JobParams,
  type JobProgress,
  type JobRecord,
  webhookEvent,
} from "./record.ts";

/** Worker that holds a job. A worker whose owner or attempt differs from the record has been replaced. */
export interface Holder {
  readonly owner: string;
  readonly attempt: number;
}

export type JobEvent =
  /** The job was submitted to the backend queue `to`, whose next free worker runs it. */
  | { readonly type: "dispatch"; readonly to: string }
  /** The backend queue returned or lost the job before a worker claimed it. */
  | { readonly type: "undispatch" }
  | { readonly type: "claim"; readonly owner: string; readonly leaseMs: number }
  | ({ readonly type: "renew"; readonly leaseMs: number; readonly progress: JobProgress | null } & Holder)
  | ({ readonly type: "complete"; readonly outputs: Outputs; readonly receipt: Receipt } & Holder)
  | ({ readonly type: "fail"; readonly error: JobError; readonly isRetryable: boolean } & Holder)
  /** The worker returns the job unfinished, through no fault of the job, for example because it is shut down. */
  | ({ readonly type: "release" } & Holder)
  /** The worker is lost: its lease has expired. */
  | { readonly type: "lose" }
  /** The owner was seen to die, so the job need not wait for the end of its lease. */
  | { readonly type: "abandon"; readonly owner: string }
  | { readonly type: "cancel" }
  /**
   * The job cannot end in time: its deadline has passed, or it waits and making its video takes at least `leastMs`,
   * which is longer than what is left.
   */
  | { readonly type: "expire"; readonly leastMs?: number }
  /** The clock that created the job has been set back since, so the job's creation lies in the future. */
  | { readonly type: "redate" }
  /** Deletes inputs and outputs, and replaces the request by `params`, the part of it that may be kept. */
  | { readonly type: "delete"; readonly params: JobParams };

/** Reason for which an event is refused. */
export type Refusal =
  /** The job is finished. */
  | "finished"
  /** The job is held by another worker or by none. */
  | "lease_lost"
  /** A worker holds the job, and its lease has not expired. */
  | "leased"
  /** No worker holds the job. */
  | "not_running"
  /** The deadline has not passed and may be met, or the creation does not lie in the future. */
  | "not_due"
  /** The deadline has passed: the job must be expired instead. */
  | "overdue"
  /** The job is not finished. */
  | "unfinished";

/** Result of an event: the next record (the same object if nothing changes), or the reason of a refusal. */
export type Transition =
  | { readonly ok: true; readonly record: JobRecord; readonly isChanged: boolean }
  | { readonly ok: false; readonly reason: Refusal };

/** Number of failures of the model after which the job fails. */
export const FAILURES_MAX = 2;

/** Number of lost workers after which the job fails. Losses are counted apart: they are seldom the job's fault. */
export const LOSSES_MAX = 5;

const HISTORY_MAX = 64;

type Rule<E extends JobEvent> = (record: JobRecord, event: E, now: number) => JobRecord | Refusal;
type Rules = {
  readonly [S in JobStatus]: {
    readonly [T in JobEvent["type"]]: Refusal | Rule<Extract<JobEvent, { type: T }>>;
  };
};

/** Rules of a finished job, which can only be deleted. */
const over = {
  dispatch: "finished",
  undispatch: "finished",
  claim: "finished",
  renew: "finished",
  complete: "finished",
  fail: "finished",
  release: "finished",
  lose: "finished",
  abandon: "finished",
  cancel: "finished",
  expire: "finished",
  redate: "finished",
  delete: clear,
} as const;

/**
 * Returns the milliseconds for which workers have held a job: from each claim to what ended it, the last one until
 * `now` if it has not ended.
 */
export function heldMs({ history }: Pick<JobRecord, "history">, now: number): number {
  const held = history.map(({ type, at }, index) =>
    type === "claimed" ? Math.max(0, (history[index + 1]?.at ?? now) - at) : 0,
  );
  return held.reduce((sum, each) => sum + each, 0);
}

/**
 * Transition table of jobs: for each state and event, the rule that makes the next record, or the refusal. Completing
 * or cancelling again changes nothing and is ok, because the answer to the first write may have been lost.
 */
const RULES: Rules = {
  queued: {
    dispatch: (record, { to }, now) => ({ ...record, dispatched: { to, at: now } }),
    undispatch: (record) => (record.dispatched === null ? record : { ...record, dispatched: null }),
    claim,
    renew: "lease_lost",
    complete: "lease_lost",
    fail: "lease_lost",
    release: "lease_lost",
    lose: "not_running",
    abandon: "not_running",
    cancel,
    expire: expireQueued,
    redate,
    delete: "unfinished",
  },
  running: {
    dispatch: "leased",
    undispatch: "leased",
    claim: reclaim,
    renew,
    complete,
    fail,
    release,
    lose,
    abandon,
    cancel,
    expire,
    redate,
    delete: "unfinished",
  },
  completed: {
    ...over,
    complete: (record, event) => (record.attempt === event.attempt ? record : "finished"),
  },
  failed: over,
  cancelled: { ...over, cancel: (record) => record },
};

/**
 * Applies an event to a record. Pure: the caller may write the result only over the version of the record it was given.
 *
 * @param now milliseconds since 1970, by the caller's clock
 */
export function transition(record: JobRecord, event: JobEvent, now: number): Transition {
  const rule = RULES[record.status][event.type];
  const next = typeof rule === "string" ? rule : (rule as Rule<JobEvent>)(record, event, now);
  if (typeof next === "string") return { ok: false, reason: next };
  if (next === record) return { ok: true, record, isChanged: false };
  return { ok: true, record: { ...next, updatedAt: Math.max(now, record.updatedAt) }, isChanged: true };
}

function claim(
  record: JobRecord,
  { owner, leaseMs }: Extract<JobEvent, { type: "claim" }>,
  now: number,
): JobRecord | Refusal {
  if (now >= record.deadlineAt) return "overdue";
  const attempt = record.attempt + 1;
  const isFirst = record.startedAt === null;
  return {
    ...record,
    status: "running",
    attempt,
    startedAt: record.startedAt ?? now,
    lease: { owner, until: now + leaseMs, lengthMs: leaseMs },
    progress: null,
    history: withEntry(record, { at: now, type: "claimed", attempt }),
    events: isFirst ? [...record.events, webhookEvent(record.id, "video.in_progress", now)] : record.events,
  };
}

/** Claims a running job whose lease has expired, before a sweep has found it. */
function reclaim(
  record: JobRecord,
  event: Extract<JobEvent, { type: "claim" }>,
  now: number,
): JobRecord | Refusal {
  const lost = lose(record, { type: "lose" }, now);
  if (typeof lost === "string") return lost;
  return isFinished(lost) ? lost : claim(lost, event, now);
}

function renew(
  record: JobRecord,
  { progress, leaseMs, ...holder }: Extract<JobEvent, { type: "renew" }>,
  now: number,
): JobRecord | Refusal {
  if (!isHeldBy(record, holder)) return "lease_lost";
  if (now >= record.deadlineAt) return "overdue";
  return {
    ...record,
    lease: { owner: holder.owner, until: now + leaseMs, lengthMs: leaseMs },
    progress: progress ?? record.progress,
  };
}

function complete(
  record: JobRecord,
  { outputs, receipt, ...holder }: Extract<JobEvent, { type: "complete" }>,
  now: number,
): JobRecord | Refusal {
  if (!isHeldBy(record, holder)) return "lease_lost";
  return { ...finish(record, "completed", now), outputs, receipt };
}

function fail(
  record: JobRecord,
  { error, isRetryable, ...holder }: Extract<JobEvent, { type: "fail" }>,
  now: number,
): JobRecord | Refusal {
  if (!isHeldBy(record, holder)) return "lease_lost";
  const failed = { ...record, failures: record.failures + 1 };
  const isLast = !isRetryable || failed.failures >= FAILURES_MAX;
  return isLast ? { ...finish(failed, "failed", now), error } : requeue(failed, "retried", now);
}

function release(
  record: JobRecord,
  holder: Extract<JobEvent, { type: "release" }>,
  now: number,
): JobRecord | Refusal {
  return isHeldBy(record, holder) ? requeue(record, "released", now) : "lease_lost";
}

function lose(record: JobRecord, _event: { type: "lose" }, now: number): JobRecord | Refusal {
  const { until, lengthMs } = record.lease!;
  // Clocks differ, so for others a lease expires later than for its holder.
  const isHeld = isAhead(until + CLOCK_SKEW_MS, now, lengthMs + CLOCK_SKEW_MS);
  return isHeld ? "leased" : withoutWorker(record, now);
}

function abandon(
  record: JobRecord,
  { owner }: Extract<JobEvent, { type: "abandon" }>,
  now: number,
): JobRecord | Refusal {
  return record.lease!.owner === owner ? withoutWorker(record, now) : "lease_lost";
}

function cancel(record: JobRecord, _event: { type: "cancel" }, now: number): JobRecord {
  const error: JobError = { code: "canceled", message: "The job was canceled." };
  return { ...finish(record, "cancelled", now), error };
}

function expire(record: JobRecord, _event: { type: "expire" }, now: number): JobRecord | Refusal {
  if (now < record.deadlineAt) return "not_due";
  return overdue(record, "The job was not finished by its deadline.", now);
}

/** Fails a job that waits, as soon as its video could not be made any more by its deadline. */
function expireQueued(
  record: JobRecord,
  event: Extract<JobEvent, { type: "expire" }>,
  now: number,
): JobRecord | Refusal {
  const { leastMs = 0 } = event;
  const leftMs = record.deadlineAt - now;
  if (leftMs <= 0) return expire(record, event, now);
  if (leastMs < leftMs) return "not_due";
  // Rounded apart, so that the sentence is never contradicted by its own numbers.
  const [least, left] = [Math.ceil(leastMs / 1000), Math.floor(leftMs / 1000)];
  const message =
    `Making the video takes at least ${least} ${least === 1 ? "second" : "seconds"}, and ${left} ` +
    `${left === 1 ? "was" : "were"} left before its deadline.`;
  return overdue(record, message, now);
}

function overdue(record: JobRecord, message: string, now: number): JobRecord {
  return { ...finish(record, "failed", now), error: { code: "deadline_exceeded", message } };
}

/** Moves the creation to the present, and with it the deadline and the end of the outputs, which count from it. */
function redate(record: JobRecord, _event: { type: "redate" }, now: number): JobRecord | Refusal {
  const { createdAt, deadlineAt, expiresAt } = record;
  if (!isFromFuture(createdAt, now)) return "not_due";
  const moved = (time: number) => time - createdAt + now;
  return { ...record, createdAt: now, deadlineAt: moved(deadlineAt), expiresAt: moved(expiresAt) };
}

/**
 * Clears a deleted job's request, the words of its prompts and the hashes of its pictures in the receipt, its inputs
 * and its outputs. The record stays, or the idempotency key would make the job again.
 */
function clear(record: JobRecord, { params }: { params: JobParams }, now: number): JobRecord {
  if (record.deletedAt !== null) return record;
  const history = withEntry(record, { at: now, type: "deleted", attempt: record.attempt });
  const receipt = record.receipt && withoutTraces(record.receipt);
  return { ...record, params, history, receipt, inputs: {}, outputs: null, deletedAt: now };
}

/** Removes from a receipt all words that may be those of a prompt, and the hashes of pictures. */
function withoutTraces(receipt: Receipt): Receipt {
  const { read: _, negative_read: __, ...prompt } = receipt.prompt;
  return {
    ...receipt,
    prompt,
    ...(receipt.unknown_words && { unknown_words: [] }),
    ...(receipt.notes && { notes: [] }),
    ...(receipt.pictures && { pictures: {} }),
  };
}

function withoutWorker(record: JobRecord, now: number): JobRecord {
  const lost = { ...record, losses: record.losses + 1 };
  if (lost.losses < LOSSES_MAX) return requeue(lost, "lost", now);
  const error: JobError = {
    code: "worker_lost",
    message: `${LOSSES_MAX} workers stopped in the middle of the job.`,
  };
  return { ...finish(lost, "failed", now), error };
}

function requeue(record: JobRecord, type: HistoryEntry["type"], now: number): JobRecord {
  const history = withEntry(record, { at: now, type, attempt: record.attempt });
  return { ...record, status: "queued", lease: null, dispatched: null, progress: null, history };
}

/** Finishes a job, and adds the webhook event that reports it. */
function finish(record: JobRecord, status: "completed" | "failed" | "cancelled", now: number): JobRecord {
  const event = status === "completed" ? "video.completed" : "video.failed";
  return {
    ...record,
    status,
    finishedAt: now,
    lease: null,
    history: withEntry(record, { at: now, type: status, attempt: record.attempt }),
    events: [...record.events, webhookEvent(record.id, event, now)],
  };
}

function isHeldBy({ lease, attempt }: JobRecord, holder: Holder): boolean {
  return lease?.owner === holder.owner && attempt === holder.attempt;
}

/** Adds an entry to the history. Beyond its limit, the first entry and the newest are kept. */
function withEntry({ history }: JobRecord, entry: HistoryEntry): HistoryEntry[] {
  return [...(history.length < HISTORY_MAX ? history : history.toSpliced(1, 1)), entry];
}
