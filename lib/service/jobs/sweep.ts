import { isFromFuture } from "../../shared/ahead.ts";
import type { Clock } from "../../shared/ports.ts";
import { RecordError } from "../storage/index.ts";
import { hasDue, nextDueAt } from "./due.ts";
import type { Applied, JobStore } from "./job-store.ts";
import type { UndeliveredRef, UnfinishedRef } from "./object-keys.ts";
import { isFinished, type JobRecord, type JobRef } from "./record.ts";

/**
 * Sends hints, which name jobs to look at. A hint may be lost, arrive twice, or name a finished job, so its receiver
 * reads the record and decides what to do.
 */
export interface Hints {
  /** Hints that a job waits for a worker. */
  work(ref: JobRef): Promise<void>;
  /** Hints that webhooks of a job may be due. */
  webhooks(ref: JobRef): Promise<void>;
}

/** Hints that can be delayed. */
export interface DelayedHints extends Hints {
  /** @param delaySeconds wanted delay; a queue may shorten a longer delay to 900 seconds */
  work(ref: JobRef, delaySeconds?: number): Promise<void>;
  /** @param delaySeconds as for `work` */
  webhooks(ref: JobRef, delaySeconds?: number): Promise<void>;
}

export interface SweepOptions {
  readonly jobs: JobStore;
  readonly hints: Hints;
  readonly clock: Clock;
  /** Returns whether to repeat the hint of a queued job. */
  readonly isStale: (queued: JobRecord) => boolean;
  /**
   * Returns whether to hint at webhooks that are due since this time, in milliseconds since 1970; always by default.
   * Where hints are kept by a queue, one that is repeated at every sweep makes a backlog longer.
   */
  readonly isHintDue?: (dueAt: number) => boolean;
  /** Looks at the webhooks of all jobs, also of those that seem not to be due; false by default. */
  readonly isThorough?: boolean;
  /** Called with each job that is not over. */
  readonly onUnfinished?: (record: JobRecord) => void;
  /** Called if a job cannot be swept, unless its record is damaged. The sweep goes on with the others. */
  readonly onError: (error: unknown, ref: JobRef) => void;
}

/** Counts of a sweep. `lost`, `expired`, `orphaned` and `failed` point to a fault elsewhere if they are many. */
export interface SweepReport {
  queued: number;
  running: number;
  /** Undelivered markers whose time has come. */
  undelivered: number;
  /** Hints repeated for queued jobs. */
  resent: number;
  /** Workers whose lease has expired. */
  lost: number;
  /** Jobs whose deadline has passed. */
  expired: number;
  /** Unfinished markers without a record. */
  orphaned: number;
  /** Jobs that could not be swept. */
  failed: number;
}

/**
 * Looks once at every unfinished or undelivered job. Repeats lost hints, requeues jobs of lost workers, fails jobs past
 * their deadline, and deletes abandoned markers. The rest of the service relies on this: any of its processes may die
 * at any moment. Concurrent sweeps do no harm.
 *
 * @throws StoreError when the jobs cannot be listed
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const { jobs, isThorough = false, onError } = options;
  const report: SweepReport = {
    queued: 0,
    running: 0,
    undelivered: 0,
    resent: 0,
    lost: 0,
    expired: 0,
    orphaned: 0,
    failed: 0,
  };
  const see = async (ref: JobRef, look: Promise<void>) => {
    try {
      await look;
    } catch (error) {
      report.failed += 1;
      // The job store has told of a damaged record, once: it stays until it is deleted, and every sweep meets it.
      if (!(error instanceof RecordError)) onError(error, ref);
    }
  };
  for await (const ref of jobs.unfinished()) await see(ref, sweepUnfinished(ref, options, report));
  for await (const ref of jobs.undelivered({ isAll: isThorough })) {
    report.undelivered += 1;
    await see(ref, sweepUndelivered(ref, options));
  }
  return report;
}

async function sweepUnfinished(
  ref: UnfinishedRef,
  options: SweepOptions,
  report: SweepReport,
): Promise<void> {
  const { jobs, hints, isStale } = options;
  const found = await jobs.read(ref);
  if (!found) {
    if (await jobs.forgetAbandoned(ref)) report.orphaned += 1;
    return;
  }
  const record = await repair(found, options, report);
  if (isFinished(record)) return jobs.markFinished(record);
  report[record.status === "queued" ? "queued" : "running"] += 1;
  options.onUnfinished?.(record);
  const hasChanged = record !== found;
  if (record.status === "queued" && (hasChanged || isStale(record))) {
    report.resent += 1;
    await hints.work(record);
  }
  await hintWebhooks(record, options);
}

/** Longest time between the marker of a redelivery and its record, as for the creation of a job. */
const REDELIVERY_MS_MAX = 10 * 60_000;

/** Puts a marker right whose time is not the one that its job needs, and hints at what is due. */
async function sweepUndelivered(marker: UndeliveredRef, options: SweepOptions): Promise<void> {
  const { jobs, clock } = options;
  const now = clock.now();
  const record = await jobs.read(marker);
  // The webhooks of unfinished jobs are found by their own markers.
  const dueAt = record && isFinished(record) ? nextDueAt(record) : null;
  const isRight = dueAt !== null && dueAt === marker.dueAt;
  // A redelivery may be under way, whose marker comes first.
  const isFresh = marker.dueAt !== null && Math.abs(now - marker.dueAt) < REDELIVERY_MS_MAX;
  if (!isRight && !isFresh) {
    if (dueAt !== null) await jobs.markUndelivered(marker, dueAt);
    await jobs.dropUndelivered(marker);
  }
  if (record) await hintWebhooks(record, options);
}

async function hintWebhooks(
  record: JobRecord,
  { hints, clock, isHintDue = () => true }: SweepOptions,
): Promise<void> {
  if (hasDue(record, clock.now()) && isHintDue(nextDueAt(record)!)) await hints.webhooks(record);
}

/** Applies a passed deadline, an expired lease or a clock that was set back, and returns the newest record. */
async function repair(found: JobRecord, options: SweepOptions, report: SweepReport): Promise<JobRecord> {
  if (isFinished(found)) return found;
  const { jobs, clock } = options;
  const now = clock.now();
  const isRedated = isFromFuture(found.createdAt, now);
  const record = (isRedated ? (await jobs.apply(found, { type: "redate" })).record : null) ?? found;
  const applied = async (name: "expired" | "lost", change: Promise<Applied>) => {
    const { ok, record: next } = await change;
    if (ok) report[name] += 1;
    return next ?? record;
  };
  if (now >= record.deadlineAt) return applied("expired", jobs.apply(record, { type: "expire" }));
  if (record.status === "running") return applied("lost", jobs.apply(record, { type: "lose" }));
  return record;
}
