import { type Backend, isBelievedIn } from "../../lib/service/backends/index.ts";
import {
  type DelayedHints,
  hasUnsettled,
  type JobRecord,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { retry } from "../../lib/shared/retry.ts";

export interface DispatchDeps {
  readonly jobs: JobStore;
  readonly backend: Backend;
  readonly hints: Pick<DelayedHints, "webhooks">;
  readonly clock: Clock;
  readonly sleep: (durationMs: number) => Promise<unknown>;
}

/** Result of a dispatch. `known`: the job is running, finished, or believed to be in the backend's queue already. */
export type Dispatched =
  | { readonly outcome: "dispatched" | "expired" | "known"; readonly record: JobRecord }
  | { readonly outcome: "missing"; readonly record: null };

/** Waits for the record of a job, which is written after the marker that hints at it. */
const RECORD_WAITS_MS = [100, 200, 400, 800];

/**
 * Submits a queued job to the backend, unless it is believed to be in the backend's queue already. A job past its
 * deadline is expired instead.
 *
 * @throws Error if the backend refuses the job; the job stays queued, and its hint is repeated
 */
export async function dispatch(deps: DispatchDeps, ref: JobRef): Promise<Dispatched> {
  const found = await comingRecord(deps, ref);
  // The process that creates the job has died, or is so slow that a sweep will repeat the hint.
  if (!found) return { outcome: "missing", record: null };
  const dispatched = await bringForward(deps, found);
  if (hasUnsettled(dispatched.record)) await deps.hints.webhooks(ref);
  return dispatched;
}

function comingRecord({ jobs, sleep }: DispatchDeps, ref: JobRef): Promise<JobRecord | null> {
  return retry(() => jobs.read(ref), { waits: RECORD_WAITS_MS, sleep, isDone: (record) => record !== null });
}

async function bringForward(
  { jobs, backend, clock }: DispatchDeps,
  found: JobRecord,
): Promise<Dispatched & { readonly record: JobRecord }> {
  const now = clock.now();
  if (found.status !== "queued") return { outcome: "known", record: found };
  if (now >= found.deadlineAt) {
    const { record } = await jobs.apply(found, { type: "expire" });
    return { outcome: "expired", record: record ?? found };
  }
  if (isBelievedIn(backend, found, now)) return { outcome: "known", record: found };
  // The submission comes first: a crash in between then causes a second, harmless submission and not a lost job.
  await backend.submit(found);
  // Submissions to a backend whose queue dies with this process are not noted.
  if (backend.believedMs === 0) return { outcome: "dispatched", record: found };
  const { record } = await jobs.apply(found, { type: "dispatch", to: backend.name });
  return { outcome: "dispatched", record: record ?? found };
}
