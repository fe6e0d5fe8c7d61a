import { isFinished, type JobRecord, type JobStore, nextDueAt } from "../../lib/service/jobs/index.ts";
import { type Log, reasonOf } from "./log.ts";

/** Markers that a worker writes where the bucket tells queues of them, and nobody listens to the worker itself. */

/** Writes the marker that makes the bucket hint at a job again. */
export async function markRequeued(record: JobRecord, jobs: JobStore, log: Log): Promise<void> {
  try {
    await jobs.markUnfinished(record);
  } catch (error) {
    log.warn(
      { id: record.id, reason: reasonOf(error) },
      "the job is queued again, and is left to the sweeper",
    );
  }
}

/** Writes the marker that triggers webhooks for the start of a job. The job store writes the one for its end. */
export async function markBegun(record: JobRecord, jobs: JobStore, log: Log): Promise<void> {
  const dueAt = nextDueAt(record);
  if (isFinished(record) || dueAt === null) return;
  try {
    await jobs.markUndelivered(record, dueAt);
  } catch (error) {
    log.warn(
      { id: record.id, reason: reasonOf(error) },
      "the webhook for the start of the job may be sent only after its end",
    );
  }
}
