import type { BackendKind, Outcome } from "../../lib/service/backends/index.ts";
import {
  type DelayedHints,
  hasUnsettled,
  isFinished,
  type JobRecord,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import { retry } from "../../lib/shared/retry.ts";

export interface SettleDeps {
  readonly jobs: JobStore;
  readonly backend: Pick<BackendKind, "believedMs" | "pauseMs">;
  readonly hints: DelayedHints;
  readonly sleep: (durationMs: number) => Promise<unknown>;
}

/** State of a job after one of its runs. A job that is `held` has a worker, and is left to its lease. */
export type Settled =
  | { readonly outcome: "queued again" | "held" | "over"; readonly record: JobRecord }
  | { readonly outcome: "missing"; readonly record: null };

/** Wait for the submitter to note its submission in the record, because a run may fail before that. */
const NOTE_MS = 5_000;

/**
 * Handles the end of an invocation. A job that is still queued, for example because the turn was another one's, is
 * submitted again by a hint; after a failed run the hint waits for `pauseMs`. For a finished job, the hint of its webhooks is sent.
 */
export async function settle(
  { jobs, backend, hints, sleep }: SettleDeps,
  { ref, failure }: Outcome,
): Promise<Settled> {
  const takeBack = () => jobs.apply(ref, { type: "undispatch" });
  const isNoted = backend.believedMs > 0;
  const { record, ok } = await retry(takeBack, {
    waits: [NOTE_MS],
    sleep,
    isDone: (taken) => !taken.ok || taken.isChanged || failure === null || !isNoted,
  });
  if (ok) {
    await hints.work(ref, failure === null ? 0 : backend.pauseMs / 1000);
    return { outcome: "queued again", record };
  }
  if (!record) return { outcome: "missing", record };
  if (!isFinished(record)) return { outcome: "held", record };
  if (hasUnsettled(record)) await hints.webhooks(ref);
  return { outcome: "over", record };
}
