import { type Backend, isBelievedIn } from "../../lib/service/backends/index.ts";
import {
  type Hints,
  type JobRecord,
  type JobStore,
  type SweepOptions,
  type SweepReport,
  sweep,
} from "../../lib/service/jobs/index.ts";
import { isAhead } from "../../lib/shared/ahead.ts";
import type { Clock } from "../../lib/shared/ports.ts";

export interface SweepDeps {
  readonly jobs: JobStore;
  readonly hints: Hints;
  readonly backend: Pick<Backend, "name" | "believedMs" | "waiting">;
  readonly clock: Clock;
  readonly onError: SweepOptions["onError"];
}

/** Time for which a hint may be on its way before it is repeated. */
const HINT_MS = 60_000;

/** Longest time between two sweeps, which the schedule makes every two minutes. */
const SWEEP_MS = 150_000;

/** Time after which the hint of a webhook that is still due is repeated, for it may only wait behind others. */
const REPEAT_MS = 30 * 60_000;

/** Sweeps all jobs once, and repeats the hints of queued jobs that are not believed to be in the backend's queue. */
export async function sweepJobs({ backend, ...options }: SweepDeps): Promise<SweepReport> {
  // The backend is asked before the jobs are listed: a job submitted in between is too new to be stale.
  const isEmpty = (await backend.waiting()) === 0;
  const isStale = (queued: JobRecord) => {
    const now = options.clock.now();
    const isThere = !isEmpty && isBelievedIn(backend, queued, now);
    return !isThere && !isAhead(queued.updatedAt + HINT_MS, now, HINT_MS);
  };
  // The first sweeps after the due time make up for a lost hint. After that a hint waits for a silent receiver.
  const isHintDue = (dueAt: number) => {
    const lateMs = options.clock.now() - dueAt;
    return lateMs < 2 * SWEEP_MS || lateMs % REPEAT_MS < SWEEP_MS;
  };
  const hints: Hints = {
    ...options.hints,
    async work(ref) {
      // The dispatch function would believe the note that the job is in the queue.
      if (isEmpty) await options.jobs.apply(ref, { type: "undispatch" });
      await options.hints.work(ref);
    },
  };
  return sweep({ ...options, hints, isStale, isHintDue });
}

/**
 * Returns the log line from which CloudWatch makes a metric: the number of unfinished jobs. Null if there are none,
 * because a custom metric is billed for each hour in which it is reported.
 *
 * @see Amazon CloudWatch user guide, "Embedded metric format specification"
 */
export function unfinishedMetric(
  { queued, running }: SweepReport,
  { deployment, now }: { readonly deployment: string; readonly now: number },
): string | null {
  const count = queued + running;
  if (count === 0) return null;
  const directive = {
    Namespace: "Adareel",
    Dimensions: [["Deployment"]],
    Metrics: [{ Name: "UnfinishedJobs", Unit: "Count" }],
  };
  return JSON.stringify({
    _aws: { Timestamp: now, CloudWatchMetrics: [directive] },
    Deployment: deployment,
    UnfinishedJobs: count,
  });
}
