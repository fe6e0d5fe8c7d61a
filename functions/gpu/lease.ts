import { once } from "node:events";
import type { Holder, JobProgress, JobRecord, JobStore, Refusal } from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { type Log, reasonOf } from "./log.ts";

/** A job that this worker holds, as long as it can make sure of it. */
export interface Lease {
  readonly holder: Holder;
  /** Aborts when the job is not held any more. */
  readonly signal: AbortSignal;
  /** Why it is not; `unreachable` when the store did not answer in time. Null while it is held. */
  readonly lost: Refusal | "missing" | "unreachable" | null;
  /** When others may take the job if nothing more is written. */
  readonly until: number;
  /** Is written with the next renewal, unless there is something newer by then. */
  report(progress: JobProgress): void;
  /** Renews no more; resolves once no renewal is under way. The job is still held until {@link Lease.until}. */
  close(): Promise<void>;
}

export interface LeaseOptions {
  readonly jobs: JobStore;
  readonly clock: Clock;
  readonly owner: string;
  readonly leaseMs: number;
  readonly progressIntervalMs: number;
  readonly log: Log;
}

/** Renewed so often, a lease outlives several renewals that fail. */
const RENEWALS_PER_LEASE = 6;

/** Renews the lease of a job that was just claimed, with progress and without, until it is closed or lost. */
export function keepLease(record: JobRecord, options: LeaseOptions): Lease {
  const { jobs, clock, owner, leaseMs, progressIntervalMs, log } = options;
  const holder = { owner, attempt: record.attempt };
  const renewMs = leaseMs / RENEWALS_PER_LEASE;
  const controller = new AbortController();
  let lost: Lease["lost"] = null;
  let isClosed = false;
  let until = record.lease!.until;
  let unwritten: JobProgress | null = null;
  let writtenAt = clock.now();
  let writing: Promise<void> | null = null;
  let next: NodeJS.Timeout | undefined;
  let limit = abandonLater();

  /** The work must have stopped before another worker begins, however long the store is silent. */
  function abandonLater(): NodeJS.Timeout {
    return setTimeout(() => end("unreachable"), Math.max(0, until - leaseMs / 3 - clock.now()));
  }

  function end(reason: NonNullable<Lease["lost"]>): void {
    if (isClosed || lost) return;
    lost = reason;
    clearTimeout(next);
    clearTimeout(limit);
    controller.abort();
  }

  function plan(): void {
    clearTimeout(next);
    if (isClosed || lost || writing) return;
    const waitMs = unwritten ? Math.min(progressIntervalMs, renewMs) : renewMs;
    next = setTimeout(write, Math.max(0, writtenAt + waitMs - clock.now()));
  }

  function write(): void {
    writing = renew().finally(() => {
      writing = null;
      plan();
    });
  }

  async function renew(): Promise<void> {
    const progress = unwritten;
    unwritten = null;
    writtenAt = clock.now();
    try {
      const renewed = await jobs.apply(record, { type: "renew", ...holder, leaseMs, progress });
      if (!renewed.ok) return end(renewed.reason);
      const { lease, attempt } = renewed.record;
      // The renewal may have been followed by somebody else's write before it was known to have been made.
      if (lease?.owner !== owner || attempt !== holder.attempt) return end("lease_lost");
      until = lease.until;
      clearTimeout(limit);
      if (!isClosed && !lost) limit = abandonLater();
    } catch (error) {
      unwritten ??= progress;
      log.warn({ id: record.id, reason: reasonOf(error) }, "the lease was not renewed");
    }
  }

  plan();
  return {
    holder,
    signal: controller.signal,
    get lost() {
      return lost;
    },
    get until() {
      return until;
    },
    report(progress) {
      unwritten = progress;
      plan();
    },
    async close() {
      clearTimeout(next);
      // A store that answers nothing must not keep the worker beyond the lease.
      if (!lost) await Promise.race([writing, once(controller.signal, "abort")]);
      isClosed = true;
      clearTimeout(limit);
      clearTimeout(next);
    },
  };
}
