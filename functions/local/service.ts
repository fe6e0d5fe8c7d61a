import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import type { Logger } from "pino";
import { apiKeys } from "../../lib/access/index.ts";
import { type Hints, isFinished, type JobRef, jobStore, sweep } from "../../lib/jobs/index.ts";
import { postGuarded } from "../../lib/net/index.ts";
import { describeModel } from "../../lib/pipeline/index.ts";
import { keyRing, openMasterKey } from "../../lib/secrets/index.ts";
import { openFolderStore, urlSigner } from "../../lib/storage/index.ts";
import { triggerStore } from "../../lib/triggers/index.ts";
import { deliverWebhooks, webhookEndpoints } from "../../lib/webhooks/index.ts";
import { createApp } from "../api/app.ts";
import type { ApiDeps, ModelCard } from "../api/env.ts";
import type { LocalConfig } from "./config.ts";
import { fileRoutes } from "./files.ts";
import { startGpuProcess } from "./gpu-process.ts";
import { hintQueue } from "./hint-queue.ts";
import { createMetrics } from "./metrics.ts";

/** The whole service on one machine, as it is deployed: only its store is a folder, and its queues are in memory. */
export interface Service {
  readonly url: string;
  /** Made at the first start, and shown to nobody again; null afterwards. */
  readonly firstKey: string | null;
  stop(): Promise<void>;
}

const SWEEP_MS = 5_000;
const PURGE_MS = 3_600_000;
/** A busy worker is asked again after this time. */
const BUSY_MS = 1_000;
/** How long requests under way are waited for once the worker is gone. */
const CLOSE_MS = 500;
/** A folder costs nothing to write to, so progress may be live. */
const PROGRESS_INTERVAL_MS = 200;

const LIMITS = {
  bodyBytesMax: 64 * 1024,
  promptCharactersMax: 2000,
  /** 51 frames of 1280x720 in 100 steps, and a little more. */
  pixelStepsMax: 5e9,
} as const;

export async function startService(config: LocalConfig, log: Logger): Promise<Service> {
  const clock = Date;
  const random = randomBytes;
  const models = await Promise.all(config.models.map(describeModel));
  await mkdir(config.dataFolder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(
      `The data folder ${config.dataFolder} cannot be made (${cause.code}): choose another DATA_DIR.`,
    );
  });
  const ring = keyRing(await openMasterKey(join(config.dataFolder, "master.key")));
  let url = config.publicUrl;
  const signer = urlSigner({ baseUrl: () => url!, secret: ring.derivedKey("signed urls"), clock });
  const storeFolder = join(config.dataFolder, "store");
  const store = await openFolderStore(storeFolder, { signUrl: signer.sign });
  const jobs = jobStore({
    store,
    clock,
    random,
    onDamaged: (error) => log.error({ reason: error.message }, "a job was passed over"),
  });
  const keys = apiKeys({ store, clock, random });
  const endpoints = webhookEndpoints({ store, ring, clock, random });
  const metrics = createMetrics();
  const webhookUrls = {
    allowLoopback: config.allowLoopbackWebhooks,
    blockedHosts: config.publicUrl ? [new URL(config.publicUrl).hostname] : [],
  };
  const post: ApiDeps["post"] = (target, request) => postGuarded(target, { ...request, ...webhookUrls });

  const onError = (error: unknown, ref: JobRef) =>
    log.warn({ videoId: ref.id, reason: reasonOf(error) }, "a hint failed and is left to the sweeper");
  const webhooks = hintQueue({
    concurrency: 16,
    onError,
    handle: (ref) =>
      deliverWebhooks(
        { jobs, endpoints, ring, post, clock, spread: Math.random, onAttempt: metrics.observeWebhook },
        ref,
      ),
  });
  const gpu = startGpuProcess({
    env: {
      STORE: pathToFileURL(storeFolder).href,
      MODELS: config.models.join(delimiter),
      LEASE_MS: String(config.leaseMs),
      PROGRESS_INTERVAL_MS: String(PROGRESS_INTERVAL_MS),
      LOG_LEVEL: config.logLevel,
    },
    onChange: webhooks.add,
    onLost: (owner) => void abandonJobs(owner).catch((error: Error) => log.error({ reason: error.message })),
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

  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const api = createApp({
    jobs,
    keys,
    endpoints,
    triggers: triggerStore({ store, ring, clock, random }),
    ring,
    store,
    hints,
    post,
    models: models as [ModelCard, ...ModelCard[]],
    limits: { ...LIMITS, unfinishedMax: config.unfinishedMax },
    retentionMs: config.retentionMs,
    webhookUrls,
    clock,
    random,
    log,
    version,
  });
  const app = new Hono()
    .route("/files", fileRoutes(store, signer))
    .get("/metrics", async (c) =>
      c.text(await metrics.render(), 200, { "content-type": metrics.contentType }),
    )
    .mount("/", api.fetch, { replaceRequest: false })
    .onError((error, c) => {
      log.error({ reason: error.message }, "request failed");
      return c.text("The service failed.\n", 500);
    });

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  let firstKey: string | null = null;
  try {
    server.listen(config.port, config.host);
    await once(server, "listening");
    url ??= localUrl(config.host, (server.address() as AddressInfo).port);
    await gpu.started;
    const isFirst = (await keys.list()).length === 0;
    if (isFirst) firstKey = (await keys.create({ tenant: "default", name: "first start" })).key;
  } catch (error) {
    server.close();
    await gpu.stop();
    throw listenError(error as NodeJS.ErrnoException, config);
  }
  server.on("error", (error) => log.error({ reason: error.message }, "a connection was not accepted"));

  const sweeping = everyMs(SWEEP_MS, log, async () => {
    metrics.observeSweep(await sweep({ jobs, hints, clock, staleQueuedMs: 0, onError }));
  });
  const purging = everyMs(PURGE_MS, log, async () => {
    const tenants = new Set((await keys.list()).map(({ tenant }) => tenant));
    for (const tenant of tenants) await jobs.purge(tenant, clock.now() - config.retentionMs);
  });

  return {
    url,
    firstKey,
    async stop() {
      sweeping.stop();
      purging.stop();
      const closed = once(server.close(), "close");
      const working = work.close();
      await gpu.stop();
      await working;
      await Promise.race([closed, sleep(CLOSE_MS)]);
      server.closeAllConnections();
      await webhooks.close();
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs `task` now and then again and again, each time that long after the last has ended. */
function everyMs(pauseMs: number, log: Logger, task: () => Promise<void>): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async () => {
    await task().catch((error: Error) => log.error({ reason: error.message }, "a repeated task failed"));
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

/** Where this machine reaches a server that listens on `host`. */
function localUrl(host: string, port: number): string {
  const name = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: LocalConfig): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new Error(`Port ${port} of ${host} is taken: choose another one by PORT.`, { cause });
    case "EACCES":
      return new Error(`Port ${port} may not be used: choose one above 1023 by PORT.`, { cause });
    case "EADDRNOTAVAIL":
    case "EAI_AGAIN":
    case "ENOTFOUND":
      return new Error(`HOST ${host} is no address of this machine: choose another one.`, { cause });
    default:
      return cause;
  }
}
