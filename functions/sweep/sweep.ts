import {
  type Hints,
  isDispatched,
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
  readonly endpointName: string;
  readonly clock: Clock;
  readonly onError: SweepOptions["onError"];
}

/** So long a hint may be on its way before it is given again. */
const HINT_MS = 60_000;

/** Looks once at all jobs, and hints again at those that wait in no queue of the endpoint of today. */
export function sweepJobs({ endpointName: to, ...options }: SweepDeps): Promise<SweepReport> {
  const isStale = (queued: JobRecord) => {
    const now = options.clock.now();
    return !isDispatched(queued, { to, now }) && queued.updatedAt + HINT_MS <= now;
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
