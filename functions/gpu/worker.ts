import type { JobRecord, JobRef } from "../../lib/service/jobs/index.ts";
import { type JobRunOptions, runJob } from "./run-job.ts";

export type Run =
  | { readonly outcome: "ran"; readonly record: JobRecord }
  | { readonly outcome: "missing" | "busy" | "stopping" };

/** Runs one job at a time. */
export interface Worker {
  readonly isBusy: boolean;
  readonly isStopping: boolean;
  /**
   * Runs the job, unless another runs, it is somebody else's, or it is over; then returns how it stands.
   *
   * @throws StoreError
   */
  run(ref: JobRef): Promise<Run>;
  /** Begins no more jobs; resolves when the one that runs has ended, or was handed back because it had no more time. */
  stop(graceMs: number): Promise<void>;
  /** Begins no more jobs, and gives the one that runs back at once. */
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
