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

/** The worker that holds a job: both must match, or the worker has been replaced. */
export interface Holder {
  readonly owner: string;
  readonly attempt: number;
}

export type JobEvent =
  /** The job was put into the queue of a backend, which runs it when it has a free worker. */
  | { readonly type: "dispatch"; readonly to: string }
  /** That queue gave it back, or lost it, before a worker had it. */
  | { readonly type: "undispatch" }
  | { readonly type: "claim"; readonly owner: string; readonly leaseMs: number }
  | ({ readonly type: "renew"; readonly leaseMs: number; readonly progress: JobProgress | null } & Holder)
  | ({ readonly type: "complete"; readonly outputs: Outputs; readonly receipt: Receipt } & Holder)
  | ({ readonly type: "fail"; readonly error: JobError; readonly isRetryable: boolean } & Holder)
  /** The worker gives the job back unfinished, through no fault of the job. */
  | ({ readonly type: "release" } & Holder)
  /** The worker went silent: its lease ran out. */
  | { readonly type: "lose" }
  /** Somebody saw the owner die, so its lease need not be waited for. */
  | { readonly type: "abandon"; readonly owner: string }
  | { readonly type: "cancel" }
  | { readonly type: "expire" }
  /** `params` is what may still be known of the request. */
  | { readonly type: "delete"; readonly params: JobParams };

/** Why an event changes nothing. */
export type Refusal =
  /** The job is over. */
  | "finished"
  /** Somebody else holds the job, or nobody does. */
  | "lease_lost"
  /** A worker's lease still runs. */
  | "leased"
  /** Nobody holds the job. */
  | "not_running"
  /** The deadline is not over. */
  | "not_due"
  /** The deadline is over: the job is to be expired, not begun. */
  | "overdue"
  /** The job is not over. */
  | "unfinished";

/** What an event does: the next record (the same object where there is nothing to change), or why nothing. */
export type Transition =
  | { readonly ok: true; readonly record: JobRecord; readonly isChanged: boolean }
  | { readonly ok: false; readonly reason: Refusal };

/** Times the model may fail before the job does. */
export const FAILURES_MAX = 2;

/** Workers that may be lost. Counted apart from failures: machines that come and go are not the job's fault. */
export const LOSSES_MAX = 5;

/** How far the clocks of two machines may be apart. A lease is over for others that much later than for its holder. */
export const CLOCK_SKEW_MS = 5_000;

const HISTORY_MAX = 64;

type Rule<E extends JobEvent> = (record: JobRecord, event: E, now: number) => JobRecord | Refusal;
type Rules = {
  readonly [S in JobStatus]: {
    readonly [T in JobEvent["type"]]: Refusal | Rule<Extract<JobEvent, { type: T }>>;
  };
};

/** Over: nothing but clearing away. A repeated event of whoever ended it is no fault, and changes nothing. */
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
  delete: clear,
} as const;

/** The whole life of a job. What is not a rule here cannot happen. */
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
    expire,
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
 * Applies one event to one record. Pure: whoever writes the result must do it only over the version it was made from.
 *
 * @param now milliseconds since 1970, by the clock of whoever applies it
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
    lease: { owner, until: now + leaseMs },
    progress: null,
    history: withEntry(record, { at: now, type: "claimed", attempt }),
    events: isFirst ? [...record.events, webhookEvent(record.id, "video.in_progress", now)] : record.events,
  };
}

/** A worker finds a job whose worker went silent before the sweeper did. */
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
    lease: { owner: holder.owner, until: now + leaseMs },
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
  return now > record.lease!.until + CLOCK_SKEW_MS ? withoutWorker(record, now) : "leased";
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
  const error: JobError = { code: "deadline_exceeded", message: "The job was not finished by its deadline." };
  return { ...finish(record, "failed", now), error };
}

/** What a deleted job said is forgotten; that there was one is not, or its idempotency key would make it again. */
function clear(record: JobRecord, { params }: { params: JobParams }, now: number): JobRecord {
  if (record.deletedAt !== null) return record;
  const history = withEntry(record, { at: now, type: "deleted", attempt: record.attempt });
  return { ...record, params, history, outputs: null, deletedAt: now };
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

/** The last write of a job's life, and with it the webhook that tells of it. */
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

/** A job that is handed back again and again keeps its beginning and its newest entries. */
function withEntry({ history }: JobRecord, entry: HistoryEntry): HistoryEntry[] {
  return [...(history.length < HISTORY_MAX ? history : history.toSpliced(1, 1)), entry];
}
