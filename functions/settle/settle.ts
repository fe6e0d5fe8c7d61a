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

/** A job after one of its runs; `held` has a worker, whose lease decides. */
export type Settled =
  | { readonly outcome: "queued again" | "held" | "over"; readonly record: JobRecord }
  | { readonly outcome: "missing"; readonly record: null };

/** A run may fail before whoever submitted the job has written down that it did. */
const NOTE_MS = 5_000;

/** Sees to a job whose run has ended: the worker wrote its end, or nobody has the job any more. */
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
