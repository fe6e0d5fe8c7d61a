import type { JobRecord } from "../../lib/service/jobs/index.ts";

/** Watcher of the work, for a display on a terminal. */
export interface Watch {
  /** Called with the record of a job that has begun or ended. */
  onJob(record: JobRecord): void;
  /** Called with each line that the GPU function logs. */
  onLine(line: string): void;
}
