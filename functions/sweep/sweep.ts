import { type Backend, isBelievedIn } from "../../lib/service/backends/index.ts";
import {
  type Hints,
  type JobRecord,
  type JobStore,
  type SweepOptions,
  type SweepReport,
  sweep,
} from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";

export interface SweepDeps {
  readonly jobs: JobStore;
  readonly hints: Hints;
  readonly backend: Pick<Backend, "name" | "believedMs" | "waiting">;
  readonly clock: Clock;
  readonly onError: SweepOptions["onError"];
}

/** So long a hint may be on its way before it is given again. */
const HINT_MS = 60_000;

/** Looks once at all jobs, and hints again at those that wait in no queue of the backend of today. */
export async function sweepJobs({ backend, ...options }: SweepDeps): Promise<SweepReport> {
  // Asked before the jobs are listed: what was submitted in between is too new to be hinted at again.
  const isEmpty = (await backend.waiting()) === 0;
  const isStale = (queued: JobRecord) => {
    const now = options.clock.now();
    const isThere = !isEmpty && isBelievedIn(backend, queued, now);
    return !isThere && queued.updatedAt + HINT_MS <= now;
  };
  return sweep({ ...options, isStale });
}

/**
 * The line of a log that CloudWatch makes a metric of: how many jobs are not over. Null where there are none, since a
 * custom metric costs by the hours in which it is told.
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
