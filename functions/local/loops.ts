import { delimiter } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import {
  type DelayedHints,
  type Hints,
  isFinished,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import type { ApiKeys, KeyRing } from "../../lib/service/keys/index.ts";
import type { Spending } from "../../lib/service/spending/index.ts";
import { RecordError } from "../../lib/service/storage/index.ts";
import type { Endpoints, Post } from "../../lib/service/webhooks/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { LiveJobs } from "../api/env.ts";
import { dispatch } from "../dispatch/dispatch.ts";
import { outageTeller } from "../gpu/outage.ts";
import { settle } from "../settle/settle.ts";
import { abandonJobs } from "./abandon-jobs.ts";
import type { LocalConfig } from "./config.ts";
import { hintQueue } from "./hint-queue.ts";
import { jobNews } from "./job-news.ts";
import { liveJobs } from "./live-jobs.ts";
import type { Metrics } from "./metrics.ts";
import type { LocalProvenance } from "./provenance.ts";
import { isBucket } from "./store.ts";
import { startSweeps } from "./sweeps.ts";
import type { Watch } from "./watch.ts";
import { jobName, webhookQueues } from "./webhook-queues.ts";
import { startWorkers } from "./workers.ts";

export interface LoopsDeps {
  readonly jobs: JobStore;
  readonly spending: Pick<Spending, "purge">;
  readonly keys: ApiKeys;
  readonly endpoints: Endpoints;
  readonly ring: KeyRing;
  readonly post: Post;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly config: LocalConfig;
  /** URL of the store in which the GPU function finds the jobs. */
  readonly storeUrl: string;
  /** Environment of each worker, where it differs from the others. */
  readonly workerEnvs: readonly Partial<LocalGpuVariables>[];
  readonly watch?: Watch | undefined;
  /** Certificate that the GPU process signs with. */
  readonly provenance: LocalProvenance;
}

/** Background work of the service. In a deployment, queues, schedules and small functions do it. */
export interface Loops {
  readonly hints: Hints;
  /** Resolves once all workers of this machine accept jobs; rejects if one cannot start. */
  readonly started: Promise<void>;
  /** Sentence that says why no video can be made at present; null if nothing is known to be wrong. */
  readonly fault: string | null;
  /** News of the jobs that the GPU function runs. */
  readonly live: LiveJobs;
  /** Resolves when the GPU function has begun or ended a job, or after `waitMs`. */
  nextChange(ref: JobRef, waitMs: number): Promise<void>;
  /** Starts the regular sweeps. The first also finds the jobs that an earlier process left. */
  begin(): void;
  /** Stops. Waits until the running job is finished or released, and until webhooks under way have ended. */
  stop(): Promise<void>;
}

/** Pause between two sweeps: longer in a bucket, where one at rest is two LIST requests, which cost money. */
const SWEEP_MS = { folder: 5_000, bucket: 10_000 };
/** Interval of progress writes: short in a folder, where they cost nothing. */
const PROGRESS_INTERVAL_MS = { folder: 200, bucket: 2_000 };

export function createLoops(deps: LoopsDeps): Loops {
  const { jobs, clock, metrics, log, config, watch } = deps;
  const onError = (error: unknown, ref: JobRef) => {
    // The job store has told of a damaged record, once.
    if (error instanceof RecordError) return;
    log.warn({ videoId: ref.id, reason: reasonOf(error) }, "a hint failed and is left to the sweeper");
  };
  const live = liveJobs();
  const sender = { ...deps, spread: Math.random, onAttempt: metrics.observeWebhook };
  const webhooks = webhookQueues(sender, onError);
  const storeKind = isBucket(deps.storeUrl) ? "bucket" : "folder";
  const env = {
    STORE: deps.storeUrl,
    MODELS: config.models.join(delimiter),
    LEASE_MS: String(config.leaseMs),
    PROGRESS_INTERVAL_MS: String(PROGRESS_INTERVAL_MS[storeKind]),
    STOP_GRACE_MS: String(config.stopGraceMs),
    LOG_LEVEL: config.logLevel,
    ...deps.provenance.env,
  };
  const workers = startWorkers({
    envs: deps.workerEnvs.map((own) => ({ ...env, ...own })),
    graceMs: config.stopGraceMs,
    onRunEnd: endRun,
    onChange: (ref) => void news.changed(ref),
    onNews(told) {
      if (told.kind === "progress") live.progressed(told.ref, told.attempt, told.progress);
      else live.previewed(told.ref, told.attempt, told);
    },
    onLine: watch?.onLine,
    onLost: (owner) =>
      void buryWorker(owner).catch((error: unknown) => log.error({ reason: reasonOf(error) })),
    onEnd({ hang, message }) {
      log.error(message);
      metrics.observeRestart(hang);
    },
  });
  const { backend } = workers;
  const work = hintQueue<JobRef>({ atOnce: [1], nameOf: jobName, onError, handle: startRun });
  const hints: DelayedHints = {
    async work(ref, delaySeconds = 0) {
      news.expect(ref);
      work.add(ref, clock.now() + delaySeconds * 1000);
      webhooks.add(ref);
    },
    async webhooks(ref, delaySeconds = 0) {
      webhooks.add(ref, clock.now() + delaySeconds * 1000);
    },
  };
  const runs = outageTeller({ log, failing: "a run failed", ended: "runs succeed again" });
  const news = jobNews({ jobs, hints, live, metrics, watch, onError });
  let endSweeps = () => {};

  /** Submits a job. Counts a job that has finished without a run, since no run tells of it. */
  async function startRun(ref: JobRef): Promise<null> {
    const { outcome, record } = await dispatch({ jobs, backend, hints, clock, sleep }, ref);
    if (outcome !== "dispatched" && record && isFinished(record)) news.ended(record);
    return null;
  }

  async function endRun(message: string): Promise<void> {
    const { ref, failure } = backend.outcomeOf(message);
    try {
      const { outcome, record } = await settle({ jobs, backend, hints, sleep }, { ref, failure });
      if (failure === null) runs.ended();
      else runs.failed(failure, { videoId: ref.id, outcome });
      if (outcome === "over") news.ended(record);
    } catch (error) {
      onError(error, ref);
    }
  }

  /** Requeues the jobs of a worker that has died, without waiting for the end of its leases. */
  async function buryWorker(owner: string): Promise<void> {
    for await (const record of abandonJobs(jobs, owner, onError)) {
      live.changed(record);
      if (isFinished(record)) news.ended(record);
      await hints.work(record);
    }
  }

  return {
    hints,
    get started() {
      return workers.started;
    },
    get fault() {
      return workers.fault;
    },
    live,
    nextChange: (ref, waitMs) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          unwatch();
          resolve();
        };
        const timer = setTimeout(end, waitMs);
        const unwatch = live.watch(ref, (what) => what === "record" && end());
      }),
    begin() {
      endSweeps = startSweeps({
        ...deps,
        hints,
        news,
        pauseMs: SWEEP_MS[storeKind],
        retentionMs: config.retentionMs,
        hasWorkers: deps.workerEnvs.length > 0,
        onError,
      });
    },
    async stop() {
      endSweeps();
      await Promise.all([work.close(), workers.stop()]);
      await webhooks.close();
    },
  };
}
