import type { Clock } from "../../shared/ports.ts";
import type { Applied, JobStore, UnfinishedRef } from "./job-store.ts";
import { hasUnsettled, isFinished, type JobRecord, type JobRef } from "./record.ts";

/**
 * Tells others where to look. A hint may be lost, come twice, or name a job that is over: whoever gets one reads the
 * record and decides.
 */
export interface Hints {
  /** A job waits for a worker. */
  work(ref: JobRef): Promise<void>;
  /** A job has webhooks that may be due. */
  webhooks(ref: JobRef): Promise<void>;
}

/** Hints that can also be given later. */
export interface DelayedHints extends Hints {
  /** @param delaySeconds of which at least the first 900 are waited */
  work(ref: JobRef, delaySeconds?: number): Promise<void>;
  /** @param delaySeconds as for `work` */
  webhooks(ref: JobRef, delaySeconds?: number): Promise<void>;
}

export interface SweepOptions {
  readonly jobs: JobStore;
  readonly hints: Hints;
  readonly clock: Clock;
  /** Whether the hint of a queued job is to be given again. */
  readonly isStale: (queued: JobRecord) => boolean;
  /** What kept one job from being looked at; the others are. */
  readonly onError: (error: unknown, ref: JobRef) => void;
}

/** What a sweep found; `lost`, `expired` and `orphaned` are repairs, and many of them are a fault somewhere. */
export interface SweepReport {
  queued: number;
  running: number;
  /** Jobs with webhooks that are not settled. */
  undelivered: number;
  /** Hints given again for queued jobs. */
  resent: number;
  /** Leases that ran out. */
  lost: number;
  /** Deadlines that passed. */
  expired: number;
  /** Markers without a record. */
  orphaned: number;
  /** Jobs that could not be looked at. */
  failed: number;
}

/**
 * Looks once at every job that is not settled and repairs whatever was lost on its way: hints, workers, deadlines,
 * markers. Everything else in the service may fail at any moment because this runs again and again. Two sweeps at once
 * do no harm.
 *
 * @throws StoreError when the jobs cannot be listed
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const { jobs, hints, onError } = options;
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
      onError(error, ref);
    }
  };
  for await (const ref of jobs.unfinished()) await see(ref, sweepUnfinished(ref, options, report));
  for await (const ref of jobs.undelivered()) {
    report.undelivered += 1;
    await see(ref, hints.webhooks(ref));
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
  const hasChanged = record !== found;
  if (record.status === "queued" && (hasChanged || isStale(record))) {
    report.resent += 1;
    await hints.work(record);
  }
  if (hasUnsettled(record)) await hints.webhooks(record);
}

/** The record after what time alone did to it: a deadline or a lease that ran out. */
async function repair(record: JobRecord, options: SweepOptions, report: SweepReport): Promise<JobRecord> {
  if (isFinished(record)) return record;
  const { jobs, clock } = options;
  const applied = async (name: "expired" | "lost", change: Promise<Applied>) => {
    const { ok, record: next } = await change;
    if (ok) report[name] += 1;
    return next ?? record;
  };
  if (clock.now() >= record.deadlineAt) return applied("expired", jobs.apply(record, { type: "expire" }));
  if (record.status === "running") return applied("lost", jobs.apply(record, { type: "lose" }));
  return record;
}
