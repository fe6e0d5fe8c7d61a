import { delimiter } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import {
  type DelayedHints,
  type Hints,
  isFinished,
  type JobRecord,
  type JobRef,
  type JobStore,
  sweep,
} from "../../lib/service/jobs/index.ts";
import type { ApiKeys, KeyRing } from "../../lib/service/keys/index.ts";
import type { Spending } from "../../lib/service/spending/index.ts";
import { RecordError } from "../../lib/service/storage/index.ts";
import type { Endpoints, Post } from "../../lib/service/webhooks/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { system } from "../../lib/shared/system.ts";
import type { LocalGpuVariables } from "../../lib/shared/variables.ts";
import type { LiveJobs } from "../api/env.ts";
import { dispatch } from "../dispatch/dispatch.ts";
import { settle } from "../settle/settle.ts";
import { abandonJobs } from "./abandon-jobs.ts";
import type { LocalConfig } from "./config.ts";
import { hintQueue } from "./hint-queue.ts";
import { jobChanges } from "./job-changes.ts";
import { liveJobs } from "./live-jobs.ts";
import type { Metrics } from "./metrics.ts";
import type { LocalProvenance } from "./provenance.ts";
import { isBucket } from "./store.ts";
import { unattendedWatch } from "./unattended.ts";
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

/** Watcher of the work, for a display on a terminal. */
export interface Watch {
  /** Called with the record of a job that has begun or ended. */
  onJob(record: JobRecord): void;
  /** Called with each line that the GPU function logs. */
  onLine(line: string): void;
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
const PURGE_MS = 3_600_000;
/** Time for which the ledgers of spending are kept, each of which is of one day. */
const SPENDING_MS = 2 * 24 * 3_600_000;
/** Interval of progress writes: short in a folder, where they cost nothing. */
const PROGRESS_INTERVAL_MS = { folder: 200, bucket: 2_000 };
/** Number of finished jobs that are remembered, so that each is counted once. */
const ENDED_MAX = 10_000;

export function createLoops(deps: LoopsDeps): Loops {
  const { jobs, spending, keys, clock, metrics, log, config, watch } = deps;
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
    onChange(ref) {
      live.changed(ref);
      webhooks.add(ref);
      void lookAt(ref).catch((error: unknown) => onError(error, ref));
    },
    onNews(news) {
      if (news.kind === "progress") live.progressed(news.ref, news.attempt, news.progress);
      else live.previewed(news.ref, news.attempt, news);
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
      changes.expect(ref);
      work.add(ref, clock.now() + delaySeconds * 1000);
      webhooks.add(ref);
    },
    async webhooks(ref, delaySeconds = 0) {
      webhooks.add(ref, clock.now() + delaySeconds * 1000);
    },
  };
  const changes = jobChanges();
  const ended = new Set<string>();
  let repeated: Repeated[] = [];

  /** Looks at a job that a worker has changed, perhaps in the invocation of another job. */
  async function lookAt(ref: JobRef): Promise<void> {
    const record = await jobs.read(ref);
    if (!record) return;
    if (isFinished(record)) observeEnd(record);
    else if (record.status === "queued") await hints.work(record);
    else if (changes.see(record)) watch?.onJob(record);
  }

  /** Tells of a job that a worker elsewhere has begun. */
  function seeUnfinished(record: JobRecord): void {
    if (!changes.see(record)) return;
    live.changed(record);
    if (record.status === "running") watch?.onJob(record);
  }

  /** Tells of the jobs that workers elsewhere have ended since the last sweep. */
  async function seeGone(): Promise<void> {
    for (const ref of changes.takeGone()) {
      live.changed(ref);
      webhooks.add(ref);
      await lookAt(ref).catch((error: unknown) => onError(error, ref));
    }
  }

  /** Counts a finished job once, however often its end is noticed: by its run, by its own invocation and by hints. */
  function observeEnd(record: JobRecord): void {
    if (ended.has(record.id)) return;
    // Forgets the oldest: a Set keeps the order of insertion.
    if (ended.size >= ENDED_MAX) ended.delete(ended.values().next().value!);
    ended.add(record.id);
    changes.forget(record);
    metrics.observeJob(record);
    watch?.onJob(record);
  }

  /** Submits a job. Counts a job that has finished without a run, since no run tells of it. */
  async function startRun(ref: JobRef): Promise<null> {
    const { outcome, record } = await dispatch({ jobs, backend, hints, clock, sleep }, ref);
    if (outcome !== "dispatched" && record && isFinished(record)) observeEnd(record);
    return null;
  }

  async function endRun(message: string): Promise<void> {
    const { ref, failure } = backend.outcomeOf(message);
    try {
      const { outcome, record } = await settle({ jobs, backend, hints, sleep }, { ref, failure });
      if (failure !== null) log.warn({ videoId: ref.id, outcome, reason: failure }, "a run failed");
      if (outcome === "over") observeEnd(record);
    } catch (error) {
      onError(error, ref);
    }
  }

  /** Requeues the jobs of a worker that has died, without waiting for the end of its leases. */
  async function buryWorker(owner: string): Promise<void> {
    for await (const record of abandonJobs(jobs, owner, onError)) {
      live.changed(record);
      if (isFinished(record)) observeEnd(record);
      await hints.work(record);
    }
  }

  async function purge(): Promise<void> {
    const tenants = new Set((await keys.list()).map(({ tenant }) => tenant));
    for (const tenant of tenants) {
      await jobs.purge(tenant, clock.now() - config.retentionMs);
      await spending.purge(tenant, clock.now() - SPENDING_MS);
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
      let sweptAt = Number.POSITIVE_INFINITY;
      const isUnattended = unattendedWatch(system.timers);
      const look = async () => {
        const now = clock.now();
        // A clock may have been set back before this start, and has been if time runs backwards.
        const isThorough = now < sweptAt;
        sweptAt = now;
        changes.beginSweep();
        const report = await sweep({
          jobs,
          hints,
          clock,
          // Workers elsewhere look for jobs themselves.
          isStale: () => deps.workerEnvs.length > 0,
          isThorough,
          onUnfinished: seeUnfinished,
          onError,
        });
        metrics.observeSweep(report);
        if (deps.workerEnvs.length === 0 && isUnattended(report))
          log.warn(
            "videos wait, and nobody makes one: start npm run worker with the store and the models of this service",
          );
        await seeGone();
      };
      const failed = (what: string) => (error: unknown) =>
        log.error({ reason: reasonOf(error) }, `${what} failed and is repeated`);
      repeated = [
        everyMs(SWEEP_MS[storeKind], look, failed("a sweep")),
        everyMs(PURGE_MS, purge, failed("a purge")),
      ];
    },
    async stop() {
      for (const task of repeated) task.stop();
      await Promise.all([work.close(), workers.stop()]);
      await webhooks.close();
    },
  };
}

interface Repeated {
  stop(): void;
}

/** Runs `task` now, and again and again with this pause after each run. */
function everyMs(pauseMs: number, task: () => Promise<void>, onError: (error: unknown) => void): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async () => {
    await task().catch(onError);
    if (!isStopped) timer = setTimeout(run, pauseMs);
  };
  void run();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
