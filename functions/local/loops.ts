import { delimiter } from "node:path";
import type { Logger } from "pino";
import { type Hints, isFinished, type JobRef, type JobStore, sweep } from "../../lib/service/jobs/index.ts";
import type { ApiKeys, KeyRing } from "../../lib/service/keys/index.ts";
import { deliverWebhooks, type Endpoints, type Post } from "../../lib/service/webhooks/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import type { LocalConfig } from "./config.ts";
import { startGpuProcess } from "./gpu-process.ts";
import { hintQueue } from "./hint-queue.ts";
import type { Metrics } from "./metrics.ts";

export interface LoopsDeps {
  readonly jobs: JobStore;
  readonly keys: ApiKeys;
  readonly endpoints: Endpoints;
  readonly ring: KeyRing;
  readonly post: Post;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly config: LocalConfig;
  /** Where the GPU function finds the jobs. */
  readonly storeUrl: string;
}

/** What brings jobs forward when nobody asks: in the cloud queues, schedules and small functions. */
export interface Loops {
  readonly hints: Hints;
  /** Resolves once jobs are taken; rejects when the GPU function cannot start. */
  readonly started: Promise<void>;
  /** Sweeps from now on, which also finds what an earlier process left. */
  begin(): void;
  /** Lets the job that runs finish or be handed back, and the webhooks under way end. */
  stop(): Promise<void>;
}

const SWEEP_MS = 5_000;
const PURGE_MS = 3_600_000;
/** A busy worker is asked again after this time. */
const BUSY_MS = 1_000;
/** A folder costs nothing to write to, so progress may be live. */
const PROGRESS_INTERVAL_MS = 200;
const WEBHOOKS_AT_ONCE = 16;

export function createLoops(deps: LoopsDeps): Loops {
  const { jobs, keys, clock, metrics, log, config } = deps;
  const onError = (error: unknown, ref: JobRef) =>
    log.warn({ videoId: ref.id, reason: reasonOf(error) }, "a hint failed and is left to the sweeper");
  const sender = { ...deps, spread: Math.random, onAttempt: metrics.observeWebhook };
  const webhooks = hintQueue({
    concurrency: WEBHOOKS_AT_ONCE,
    onError,
    handle: async (ref) => (await deliverWebhooks(sender, ref)).nextAt,
  });
  const gpu = startGpuProcess({
    env: {
      STORE: deps.storeUrl,
      MODELS: config.models.join(delimiter),
      LEASE_MS: String(config.leaseMs),
      PROGRESS_INTERVAL_MS: String(PROGRESS_INTERVAL_MS),
      LOG_LEVEL: config.logLevel,
    },
    onChange: webhooks.add,
    onLost: (owner) =>
      void abandonJobs(owner).catch((error: unknown) => log.error({ reason: reasonOf(error) })),
    onError: (message) => log.error(message),
  });
  const work = hintQueue({ concurrency: 1, onError, handle: runJob });
  const hints: Hints = {
    work: async (ref) => {
      work.add(ref);
      webhooks.add(ref);
    },
    webhooks: async (ref) => webhooks.add(ref),
  };
  let repeated: Repeated[] = [];

  /** Counts each job once, however many hints it gets: when its worker ended it, or if it never had one. */
  async function runJob(ref: JobRef): Promise<number | null> {
    const found = await jobs.read(ref);
    if (!found) return null;
    if (isFinished(found)) {
      if (found.attempt === 0) metrics.observeJob(found);
      return null;
    }
    const status = await gpu.invoke(ref);
    if (status === 503) return clock.now() + BUSY_MS;
    const record = await jobs.read(ref);
    if (record && isFinished(record)) metrics.observeJob(record);
    webhooks.add(ref);
    // It was given back, or is to be tried again: the sweeper need not be waited for.
    return record?.status === "queued" ? clock.now() : null;
  }

  /** The leases of a worker that was seen to die need not be waited for. */
  async function abandonJobs(owner: string): Promise<void> {
    for await (const ref of jobs.unfinished()) {
      const applied = await jobs.apply(ref, { type: "abandon", owner });
      if (!applied.ok) continue;
      if (isFinished(applied.record)) metrics.observeJob(applied.record);
      await hints.work(ref);
    }
  }

  async function purge(): Promise<void> {
    const tenants = new Set((await keys.list()).map(({ tenant }) => tenant));
    for (const tenant of tenants) await jobs.purge(tenant, clock.now() - config.retentionMs);
  }

  return {
    hints,
    get started() {
      return gpu.started;
    },
    begin() {
      const look = async () =>
        metrics.observeSweep(await sweep({ jobs, hints, clock, isStale: () => true, onError }));
      repeated = [everyMs(SWEEP_MS, log, look), everyMs(PURGE_MS, log, purge)];
    },
    async stop() {
      for (const task of repeated) task.stop();
      await Promise.all([work.close(), gpu.stop()]);
      await webhooks.close();
    },
  };
}

interface Repeated {
  stop(): void;
}

/** Runs `task` now and then again and again, each time that long after the last has ended. */
function everyMs(pauseMs: number, log: Logger, task: () => Promise<void>): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async () => {
    await task().catch((error: unknown) => log.error({ reason: reasonOf(error) }, "a repeated task failed"));
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
