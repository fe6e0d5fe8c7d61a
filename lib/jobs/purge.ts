import type { JobStore } from "./job-store.ts";

/**
 * Deletes jobs of a tenant that were asked for before `before` (milliseconds since 1970) and are over, with everything
 * they left. A bucket's lifecycle rules do the same.
 *
 * @returns how many
 */
export async function purgeJobs(jobs: JobStore, tenant: string, before: number): Promise<number> {
  let purged = 0;
  for await (const record of jobs.olderThan(tenant, before)) {
    await jobs.deleteArtifacts(record);
    await jobs.forget(record);
    purged += 1;
  }
  return purged;
}
