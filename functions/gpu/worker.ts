import { fairTurns, type JobRecord, type JobRef, type PassedOver } from "../../lib/service/jobs/index.ts";
import { leastTime } from "./least-time.ts";
import { canMake } from "./make-video.ts";
import { type JobRunOptions, refuseLate, runJob } from "./run-job.ts";

export type Run =
  | { readonly outcome: "ran"; readonly record: JobRecord }
  | { readonly outcome: "missing" | "idle" | "busy" | "stopping" };

export interface WorkerOptions extends JobRunOptions {
  /**
   * Called when a job was queued again whose run was the turn of another job's invocation. The end of that invocation
   * tells nobody of this job.
   */
  readonly onRequeue: (record: JobRecord) => Promise<void>;
  /** Jobs that turns do not look at; none where each invocation names a job. */
  readonly passedOver?: PassedOver | undefined;
}

/** Worker that runs one job at a time. */
export interface Worker {
  readonly isBusy: boolean;
  readonly isStopping: boolean;
  /**
   * Runs the job whose turn it is, and returns its record. If no job waits for this worker, it returns the record of
   * the named job instead, and is idle if none is named. It runs nothing if the worker is busy or stopping.
   *
   * @param named job of the invocation, which need not be the one that runs; null if the worker looks for jobs itself
   * @throws StoreError
   */
  run(named: JobRef | null): Promise<Run>;
  /** Accepts no more jobs. Resolves when the running job has ended, or was released after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Accepts no more jobs, and releases the running job at once. */
  handBack(): void;
}

export function createWorker(options: WorkerOptions): Worker {
  const { jobs, models, onRequeue } = options;
  const handingBack = new AbortController();
  const elapsed = () => performance.now();
  const refusing = { ...options, leastTime: leastTime({ ...options, elapsed }) };
  const turns = fairTurns({ ...options, canRun: (record) => canMake(record, models) });
  let running: Promise<unknown> | null = null;
  let isStopping = false;

  function handBack(): void {
    isStopping = true;
    handingBack.abort();
    models.kill();
  }

  async function takeTurn(named: JobRef | null): Promise<Run> {
    for await (const next of turns.next(named && (await jobs.read(named)))) {
      if (isStopping) return { outcome: "stopping" };
      if (await refuseLate(next, refusing)) continue;
      const { hasRun, record } = await runJob(next, handingBack.signal, options);
      if (!hasRun) continue;
      if (record?.status === "queued" && record.id !== named?.id) await onRequeue(record);
      return { outcome: "ran", record: record ?? next };
    }
    if (isStopping) return { outcome: "stopping" };
    if (!named) return { outcome: "idle" };
    const { record } = await runJob(named, handingBack.signal, options);
    return record ? { outcome: "ran", record } : { outcome: "missing" };
  }

  return {
    get isBusy() {
      return running !== null;
    },
    get isStopping() {
      return isStopping;
    },
    async run(named) {
      if (isStopping) return { outcome: "stopping" };
      if (running) return { outcome: "busy" };
      const run = takeTurn(named);
      running = run.catch(() => undefined);
      try {
        return await run;
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
