import type { JobRecord, JobRef } from "../../lib/service/jobs/index.ts";
import { type JobRunOptions, runJob } from "./run-job.ts";

export type Run =
  | { readonly outcome: "ran"; readonly record: JobRecord }
  | { readonly outcome: "missing" | "busy" | "stopping" };

/** Worker that runs one job at a time. */
export interface Worker {
  readonly isBusy: boolean;
  readonly isStopping: boolean;
  /**
   * Runs a job and returns its record. It does not run the job if the worker is busy or stopping, or if the job is
   * finished or leased by another worker.
   *
   * @throws StoreError
   */
  run(ref: JobRef): Promise<Run>;
  /** Accepts no more jobs. Resolves when the running job has ended, or was released after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Accepts no more jobs, and releases the running job at once. */
  handBack(): void;
}

export function createWorker(options: JobRunOptions): Worker {
  const handingBack = new AbortController();
  let running: Promise<unknown> | null = null;
  let isStopping = false;

  function handBack(): void {
    isStopping = true;
    handingBack.abort();
    options.models.kill();
  }

  return {
    get isBusy() {
      return running !== null;
    },
    get isStopping() {
      return isStopping;
    },
    async run(ref) {
      if (isStopping) return { outcome: "stopping" };
      if (running) return { outcome: "busy" };
      const run = runJob(ref, handingBack.signal, options);
      running = run.catch(() => undefined);
      try {
        const record = await run;
        return record ? { outcome: "ran", record } : { outcome: "missing" };
      } finally {
        running = null;
      }
    },
    async stop(graceMs) {
      isStopping = true;
      const grace = setTimeout(handBack, graceMs);
      await running;
      clearTimeout(grace);
    },
    handBack,
  };
}
