import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { pino } from "pino";
import { ModelStoreError } from "../../lib/distribution/model-store/index.ts";
import { chooseProvider, nvidiaGpu } from "../../lib/generation/accelerator/index.ts";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { precisionOf } from "../../lib/generation/models/index.ts";
import { ProvenanceError } from "../../lib/generation/provenance/index.ts";
import { type JobStore, jobStore } from "../../lib/service/jobs/index.ts";
import { runStore } from "../../lib/service/quotes/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import { system } from "../../lib/shared/system.ts";
import { type GpuConfig, parseConfig } from "./config.ts";
import { removeAbandonedInputs } from "./inputs.ts";
import type { Log } from "./log.ts";
import { markBegun, markRequeued } from "./markers.ts";
import { openModels } from "./open-models.ts";
import { openWorkerProvenance, tellOfProvenance } from "./open-provenance.ts";
import { openTurns, pause } from "./open-turns.ts";
import { answerPings, hasParent, tellOfChange, tellOfPreview, tellOfProgress, tellParent } from "./parent.ts";
import { pastVideos } from "./past-videos.ts";
import { pull } from "./pull.ts";
import { createGpuApp, createPingApp } from "./server.ts";
import { leaveWhenTold, stopWhenTold } from "./stop-signals.ts";
import type { WarmModels } from "./warm-models.ts";
import { createWorker, type WorkerOptions } from "./worker.ts";
import { workerKind } from "./worker-kind.ts";

/**
 * Entry point of the GPU function, which runs one job after another until it is stopped: those of its invocations over
 * HTTP (`serve`), or those that it finds itself (`pull`).
 */

async function main(): Promise<void> {
  const mode = modeIn(process.argv.slice(2));
  const config = parseConfig(process.env);
  leaveWhenTold();
  let models: WarmModels | null = null;
  answerPings(() => models?.fault ?? null);
  const { provider, reason } = await chooseProvider(config.provider, config.pipeline);
  await removeAbandonedInputs();
  const log = pino({ level: config.logLevel, base: null }, logDestination(1));
  if (reason !== null) log.info({ provider }, reason);
  const clock = Date;
  const provenance = await openWorkerProvenance(config.provenance, { clock });
  const store = await openStore(config.store, { signUrl: refuseToSign });
  const gpu = await nvidiaGpu(provider, { device: config.device });
  models = await openModels(config, { provider, gpu, log });
  const precision = precisionOf({ ...config.pipeline, provider });
  const owner = `${hostname()}-${process.pid}-${randomUUID()}`;
  const jobs = jobStore({ store, ...system });
  const turns = mode === "pull" ? await openTurns(config, { jobs, log }) : null;
  const isDeployed = turns ? config.runsQueueUrl !== null : !hasParent();
  const worker = createWorker({
    jobs,
    runs: runStore(store, system),
    store,
    models,
    clock,
    owner,
    leaseMs: config.leaseMs,
    progressIntervalMs: config.progressIntervalMs,
    maxRunMs: config.maxRunMs,
    auditShare: config.auditShare,
    provenance,
    past: pastVideos(),
    provider,
    precision,
    workerKind: workerKind({ provider, precision, gpu: gpu?.name ?? null }),
    log,
    passedOver: turns?.passedOver,
    ...listeners(isDeployed, jobs, log),
  });
  const app = turns ? createPingApp({ worker, models }) : createGpuApp({ worker, models, log });
  const { server, port } = await listen(app, config);
  const stopping = new AbortController();
  let pulling = Promise.resolve();
  const onStop = () => {
    stopping.abort();
    return pulling;
  };
  stopWhenTold({ worker, server, graceMs: config.stopGraceMs, onStop });
  log.info({ port, owner, models: models.names }, turns ? "pulling" : "listening");
  tellOfProvenance(provenance, clock, log);
  tellParent({ kind: "listening", port, owner });
  if (!turns) return;
  pulling = pull({ ...turns, worker, models, pause, random: system.random, log }, stopping.signal);
}

type Mode = "serve" | "pull";

function modeIn([mode = "serve", ...more]: readonly string[]): Mode {
  if ((mode === "serve" || mode === "pull") && more.length === 0) return mode;
  throw new ConfigError(
    `The only argument is "serve" or "pull": everything else is set by environment variables.`,
  );
}

/**
 * Returns who is told of the worker's jobs. In a deployment, markers are: the bucket tells the queues. Otherwise it is
 * the parent, if there is one; without anybody, the sweep of the service finds what is due.
 */
function listeners(isDeployed: boolean, jobs: JobStore, log: Log): Listeners {
  if (isDeployed) {
    return {
      onChange: (record) => void markBegun(record, jobs, log),
      onRequeue: (record) => markRequeued(record, jobs, log),
    };
  }
  return {
    onChange: tellOfChange,
    onAttemptProgress: tellOfProgress,
    onAttemptPreview: tellOfPreview,
    onRequeue: async (record) => tellOfChange(record),
  };
}

type Listeners = Pick<WorkerOptions, "onChange" | "onRequeue" | "onAttemptProgress" | "onAttemptPreview">;

async function listen(app: Hono, { port, host }: GpuConfig): Promise<{ server: Server; port: number }> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(port, host);
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

function refuseToSign(): never {
  throw new Error("The GPU function does not sign URLs.");
}

/** Prints an error as one sentence on stderr. The exit code is 2 for a mistake in the configuration, 1 otherwise. */
main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  const isMistake = [ConfigError, CheckpointError, ModelStoreError, ProvenanceError, RangeError].some(
    (kind) => error instanceof kind,
  );
  process.exit(isMistake ? 2 : 1);
});
