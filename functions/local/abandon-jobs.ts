import type { JobRecord, JobRef, JobStore } from "../../lib/service/jobs/index.ts";

/**
 * Requeues the jobs of a worker that was seen to die, without waiting for the end of its leases, and yields their
 * records. A job that has lost too many workers has failed instead.
 *
 * @param onError called if a job cannot be requeued, which is then left to the sweep
 * @throws StoreError when the jobs cannot be listed
 */
export async function* abandonJobs(
  jobs: JobStore,
  owner: string,
  onError: (error: unknown, ref: JobRef) => void,
): AsyncGenerator<JobRecord> {
  for await (const ref of jobs.unfinished()) {
    const applied = await jobs.apply(ref, { type: "abandon", owner }).catch((error) => onError(error, ref));
    if (applied?.ok) yield applied.record;
  }
}
