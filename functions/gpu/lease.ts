import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import type { Holder, JobProgress, JobRecord, JobStore, Refusal } from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import type { Log } from "./log.ts";
import { outageTeller } from "./outage.ts";

/** Lease of this worker on a job. It is renewed until it is closed or lost. */
export interface Lease {
  readonly holder: Holder;
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
  /**
   * Reason why the lease was lost, or null while it is held; `unreachable` means that the store did not
   * answer in time.
   */
  readonly lost: Refusal | "missing" | "unreachable" | null;
  /** Time at which the lease expires if it is not renewed, by `performance.now()`: the system's clock may be set. */
  readonly until: number;
  /** Reports progress, which the next renewal writes; newer progress replaces it. */
  report(progress: JobProgress): void;
  /** Stops renewing, and resolves once no renewal is in progress. The job stays leased until {@link Lease.until}. */
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

/** Number of renewals per lease, so that a lease survives several failed renewals. */
const RENEWALS_PER_LEASE = 6;

/** Renews the lease of a job that was just claimed, with or without progress, until it is closed or lost. */
export function keepLease(record: JobRecord, options: LeaseOptions): Lease {
  const { jobs, clock, owner, leaseMs, progressIntervalMs, log } = options;
  const holder = { owner, attempt: record.attempt };
  const renewMs = leaseMs / RENEWALS_PER_LEASE;
  const controller = new AbortController();
  const outage = outageTeller({
    log,
    failing: "the lease was not renewed",
    ended: "the lease is renewed again",
    fields: { id: record.id },
  });
  let lost: Lease["lost"] = null;
  let isClosed = false;
  const leftMs = Math.min(Math.max(0, record.lease!.until - clock.now()), leaseMs);
  let until = performance.now() + leftMs;
  let reported: JobProgress | null = null;
  let unwritten: JobProgress | null = null;
  let writtenAt = performance.now();
  let writing: Promise<void> | null = null;
  let next: NodeJS.Timeout | undefined;
  let limit = abandonLater();

  /**
   * Abandons the lease before it expires: even if the store does not answer, the work must have stopped before another
   * worker starts.
   */
  function abandonLater(): NodeJS.Timeout {
    return setTimeout(() => end("unreachable"), Math.max(0, until - leaseMs / 3 - performance.now()));
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
    next = setTimeout(write, Math.max(0, writtenAt + waitMs - performance.now()));
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
    writtenAt = performance.now();
    try {
      const renewed = await jobs.apply(record, { type: "renew", ...holder, leaseMs, progress });
      outage.ended();
      if (!renewed.ok) return end(renewed.reason);
      const { lease, attempt } = renewed.record;
      // The record is the newest one, in which another write may have ended this worker's lease after the renewal.
      if (lease?.owner !== owner || attempt !== holder.attempt) return end("lease_lost");
      until = writtenAt + leaseMs;
      clearTimeout(limit);
      if (!isClosed && !lost) limit = abandonLater();
    } catch (error) {
      unwritten ??= progress;
      outage.failed(error);
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
      // The steps of an audit repeat their progress, which is written once.
      if (isDeepStrictEqual(progress, reported)) return;
      reported = progress;
      unwritten = progress;
      plan();
    },
    async close() {
      clearTimeout(next);
      // A store that does not answer must not keep the worker beyond the lease.
      if (!lost) await Promise.race([writing, once(controller.signal, "abort")]);
      isClosed = true;
      clearTimeout(limit);
      clearTimeout(next);
    },
  };
}
