import { setTimeout as sleep } from "node:timers/promises";
import { isFinished, type JobRecord, type JobRef } from "../../lib/service/jobs/index.ts";
import type { ApiDeps } from "./env.ts";

const WAIT_STEP_MS = 200;

/** Waits for a job to end, at most so long, and returns its newest record. */
export async function untilOver(
  { jobs, nextChange = (_: JobRef, waitMs: number) => sleep(waitMs) }: Pick<ApiDeps, "jobs" | "nextChange">,
  record: JobRecord,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<JobRecord> {
  const until = performance.now() + seconds * 1000;
  let newest = record;
  while (!isFinished(newest) && performance.now() < until && !signal.aborted) {
    await nextChange(record, WAIT_STEP_MS);
    newest = (await jobs.read(record)) ?? newest;
  }
  return newest;
}

/** Cancels a job, unless it is over, and returns its newest record. */
export async function cancelVideo(
  { jobs, live, hints }: Pick<ApiDeps, "jobs" | "live" | "hints">,
  record: JobRecord,
): Promise<JobRecord> {
  const applied = await jobs.apply(record, { type: "cancel" });
  if (applied.ok && applied.isChanged) {
    live?.changed(record);
    await hints.webhooks(record);
  }
  return applied.record ?? record;
}
