import {
  type DelayedHints,
  isFinished,
  type JobRecord,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import type { LiveJobs } from "../api/env.ts";
import { jobChanges } from "./job-changes.ts";
import type { Metrics } from "./metrics.ts";
import type { Watch } from "./watch.ts";

export interface JobNewsDeps {
  readonly jobs: Pick<JobStore, "read">;
  readonly hints: DelayedHints;
  readonly live: Pick<LiveJobs, "changed">;
  readonly metrics: Pick<Metrics, "observeJob">;
  readonly watch: Watch | undefined;
  readonly onError: (error: unknown, ref: JobRef) => void;
}

/**
 * News of jobs, whoever makes them: the workers of this machine tell of their own, and sweeps show what workers
 * elsewhere do. It goes to those who watch a job, to its webhooks and to the metrics.
 */
export interface JobNews {
  /** Notes a job that is about to be made, and may end before a sweep sees it. */
  expect(ref: JobRef): void;
  /** Looks at a job that has begun or ended, or that was queued again. */
  changed(ref: JobRef): Promise<void>;
  /** Counts a finished job, however often its end is noticed: by its run, by its own invocation and by hints. */
  ended(record: JobRecord): void;
  /** Notes that a sweep begins. */
  beginSweep(): void;
  /** Looks at an unfinished job that the sweep sees. */
  seen(record: JobRecord): void;
  /** Looks at the jobs that have ended elsewhere, since the sweep saw them no more. */
  endSweep(): Promise<void>;
}

/** Number of finished jobs that are remembered, so that each is counted once. */
const ENDED_MAX = 10_000;

export function jobNews({ jobs, hints, live, metrics, watch, onError }: JobNewsDeps): JobNews {
  const changes = jobChanges();
  const counted = new Set<string>();

  async function changed(ref: JobRef): Promise<void> {
    live.changed(ref);
    await hints.webhooks(ref);
    await lookAt(ref).catch((error: unknown) => onError(error, ref));
  }

  async function lookAt(ref: JobRef): Promise<void> {
    const record = await jobs.read(ref);
    if (!record) return;
    if (isFinished(record)) ended(record);
    else if (record.status === "queued") await hints.work(record);
    else if (changes.see(record)) watch?.onJob(record);
  }

  function ended(record: JobRecord): void {
    if (counted.has(record.id)) return;
    // Forgets the oldest: a Set keeps the order of insertion.
    if (counted.size >= ENDED_MAX) counted.delete(counted.values().next().value!);
    counted.add(record.id);
    changes.forget(record);
    metrics.observeJob(record);
    watch?.onJob(record);
  }

  return {
    expect: changes.expect,
    changed,
    ended,
    beginSweep: changes.beginSweep,
    seen(record) {
      if (!changes.see(record)) return;
      live.changed(record);
      if (record.status === "running") watch?.onJob(record);
    },
    async endSweep() {
      for (const ref of changes.takeGone()) await changed(ref);
    },
  };
}
