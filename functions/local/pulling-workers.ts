import type { Logger } from "pino";
import { isFinished, type JobRef, type JobStore } from "../../lib/service/jobs/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { abandonJobs } from "./abandon-jobs.ts";
import { type GpuProcess, startGpuProcess } from "./gpu-process.ts";
import type { Watch } from "./watch.ts";
import type { WorkerConfig } from "./worker-config.ts";
import { workerName } from "./workers.ts";

export interface PullingWorkersOptions {
  readonly config: WorkerConfig;
  readonly jobs: JobStore;
  readonly log: Logger;
  /** Told of the jobs of these workers, for a display; undefined where nobody looks. */
  readonly watch: Watch | undefined;
}

/** GPU processes that look for jobs themselves, each started again when it dies or hangs. */
export interface PullingWorkers {
  /** Resolves once all look for jobs; rejects if one ends before that. */
  readonly started: Promise<void>;
  /** Stops all. Resolves when their jobs have ended or were handed back. */
  stop(): Promise<void>;
}

export function startPullingWorkers({ config, jobs, log, watch }: PullingWorkersOptions): PullingWorkers {
  const { gpu, envs } = config;

  async function tell(ref: JobRef): Promise<void> {
    if (!watch) return;
    const record = await jobs.read(ref);
    if (record && (isFinished(record) || record.status === "running")) watch.onJob(record);
  }

  /** Hands the jobs of a process that has died to other workers at once. */
  async function bury(owner: string): Promise<void> {
    for await (const record of abandonJobs(jobs, owner, warn)) watch?.onJob(record);
  }

  function warn(error: unknown, ref: JobRef): void {
    log.warn({ videoId: ref.id, reason: reasonOf(error) }, "the job could not be read");
  }

  const processes: GpuProcess[] = envs.map((env, index) =>
    startGpuProcess({
      env,
      name: workerName(envs, index),
      mode: "pull",
      graceMs: gpu.stopGraceMs,
      onChange: (ref) => void tell(ref).catch((error: unknown) => warn(error, ref)),
      onLost: (owner) =>
        void bury(owner).catch((error: unknown) =>
          log.warn({ reason: reasonOf(error) }, "jobs of a worker that died wait for the end of its lease"),
        ),
      onEnd: ({ message }) => log.error(message),
      onLine: watch?.onLine,
    }),
  );
  return {
    started: Promise.all(processes.map(({ started }) => started)).then(() => undefined),
    async stop() {
      await Promise.all(processes.map((each) => each.stop()));
    },
  };
}
