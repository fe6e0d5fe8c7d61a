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

/** A job after its dispatch; `known` is begun, over, or believed to wait in the backend's queue already. */
export type Dispatched =
  | { readonly outcome: "dispatched" | "expired" | "known"; readonly record: JobRecord }
  | { readonly outcome: "missing"; readonly record: null };

/** The waits for a record whose marker was quicker. */
const RECORD_WAITS_MS = [100, 200, 400, 800];

/**
 * Submits a queued job to the backend, unless it waits there.
 *
 * @throws Error when the backend refuses: no job is at fault for that
 */
export async function dispatch(deps: DispatchDeps, ref: JobRef): Promise<Dispatched> {
  const found = await comingRecord(deps, ref);
  // Whoever was about to write it died, or will be found out by the sweeper to have been slow.
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
  // In this order, since a crash in between then makes a second submission, which does no harm, and loses no job.
  await backend.submit(found);
  // A note that nobody would believe is not written.
  if (backend.believedMs === 0) return { outcome: "dispatched", record: found };
  const { record } = await jobs.apply(found, { type: "dispatch", to: backend.name });
  return { outcome: "dispatched", record: record ?? found };
}
