import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { pino } from "pino";
import { ModelStoreError } from "../../lib/distribution/model-store/index.ts";
import { chooseProvider, gpuMemoryBytes } from "../../lib/generation/accelerator/index.ts";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { precisionOf } from "../../lib/generation/models/index.ts";
import { type Provider, usesMachineMemory } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import { ProvenanceError } from "../../lib/generation/provenance/index.ts";
import {
  isFinished,
  type JobProgress,
  type JobRecord,
  type JobStore,
  jobStore,
  nextDueAt,
} from "../../lib/service/jobs/index.ts";
import { runStore } from "../../lib/service/quotes/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import { system } from "../../lib/shared/system.ts";
import { type GpuConfig, parseConfig } from "./config.ts";
import { removeAbandonedInputs } from "./inputs.ts";
import { type Log, reasonOf } from "./log.ts";
import type { FromGpu, ToGpu } from "./messages.ts";
import { fetchModel, type NamedModel } from "./models.ts";
import { openWorkerProvenance, tellOfProvenance } from "./open-provenance.ts";
import { pastVideos } from "./past-videos.ts";
import { createGpuApp } from "./server.ts";
import { type WarmModels, warmModels } from "./warm-models.ts";
import { createWorker, type Worker } from "./worker.ts";

/** Entry point of the GPU function, which runs one job after another over HTTP until it is stopped. */

/** Time that a running job gets after SIGTERM. SageMaker kills the process after 30 s; the rest is for its release. */
const STOP_GRACE_MS = 25_000;
const EXIT_MS = 29_000;
const ANSWER_MS = 500;

async function main(): Promise<void> {
  assertArguments(process.argv.slice(2));
  const config = parseConfig(process.env);
  // The first process of a container ignores signals without a handler.
  process.on("SIGTERM", leave);
  let models: WarmModels | null = null;
  answerPings(() => models?.fault ?? null);
  const { provider, reason } = await chooseProvider(config.provider, config.pipeline);
  await removeAbandonedInputs();
  const log = pino({ level: config.logLevel, base: null }, logDestination(1));
  if (reason !== null) log.info({ provider }, reason);
  const clock = Date;
  const provenance = await openWorkerProvenance(config.provenance, { clock });
  const store = await openStore(config.store, { signUrl: refuseToSign });
  models = await openModels(config, provider, log);
  const owner = `${hostname()}-${process.pid}-${randomUUID()}`;
  const jobs = jobStore({ store, ...system });
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
    precision: precisionOf({ ...config.pipeline, provider }),
    log,
    onChange: process.send ? tellOfChange : (record) => void markBegun(record, jobs, log),
    onAttemptProgress: process.send ? tellOfProgress : undefined,
    onAttemptPreview: process.send ? tellOfPreview : undefined,
    onRequeue: process.send ? tellOfChange : (record) => markRequeued(record, jobs, log),
  });
  const server = createAdaptorServer({ fetch: createGpuApp({ worker, models, log }).fetch }) as Server;
  server.listen(config.port, config.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  stopWhenTold(worker, server);
  log.info({ port, owner, models: models.names }, "listening");
  tellOfProvenance(provenance, clock, log);
  tellParent({ kind: "listening", port, owner });
}

async function openModels(
  { models, modelCache, pipeline, stallMs, device }: GpuConfig,
  provider: Provider,
  log: Log,
): Promise<WarmModels> {
  const found: NamedModel[] = [];
  for (const model of models) found.push(await fetchModel(model, { cacheFolder: modelCache, log }));
  const { memoryBytes: given, ...others } = pipeline;
  const options: PipelineOptions = { ...others, provider };
  if (usesMachineMemory(provider)) return warmModels(found, options, { silenceMsMax: stallMs });
  const memoryBytes = given ?? (await gpuMemoryBytes(provider, { device }));
  log.info({ provider, memoryBytes }, "memory of the GPU");
  return warmModels(
    found,
    { ...options, ...(memoryBytes !== null && { memoryBytes }) },
    { silenceMsMax: stallMs },
  );
}

function leave(): void {
  process.exit(0);
}

function assertArguments([command = "serve", ...more]: readonly string[]): void {
  if (command === "serve" && more.length === 0) return;
  throw new ConfigError(`The only argument is "serve": everything else is set by environment variables.`);
}

/**
 * Stops the worker on a signal, or when the parent process ends. SIGTERM gives the running job some time. A second
 * SIGTERM, SIGINT (Ctrl-C) or the end of the parent releases the job at once.
 */
function stopWhenTold(worker: Worker, server: Server): void {
  let isStopping = false;
  const stop = (isUrgent: boolean) => {
    if (isUrgent || isStopping) worker.handBack();
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), EXIT_MS);
    worker.stop(STOP_GRACE_MS).then(() => exitAfterAnswers(server));
  };
  process.off("SIGTERM", leave);
  process.on("SIGTERM", () => stop(false));
  process.on("SIGINT", () => stop(true));
  process.on("disconnect", () => stop(true));
  // The parent may have died before the handlers were set.
  if (process.send && !process.connected) stop(true);
}

/** Exits after pending requests are answered. The child process that holds the model ends with this one. */
async function exitAfterAnswers(server: Server): Promise<void> {
  server.close();
  await Promise.race([once(server, "close"), sleep(ANSWER_MS)]);
  process.exit(0);
}

/** Answers the pings of a parent. Before this the parent waits: it pings from the start. */
function answerPings(fault: () => string | null): void {
  if (!process.send) return;
  process.on("message", ({ kind }: ToGpu) => {
    if (kind === "ping") tellParent({ kind: "alive", fault: fault() });
  });
}

async function tellOfChange({ tenant, id }: JobRecord): Promise<void> {
  tellParent({ kind: "changed", ref: { tenant, id } });
}

function tellOfProgress({ tenant, id, attempt }: JobRecord, progress: JobProgress): void {
  tellParent({ kind: "progress", ref: { tenant, id }, attempt, progress });
}

function tellOfPreview({ tenant, id, attempt }: JobRecord, step: number, webp: Uint8Array): void {
  const base64 = Buffer.from(webp).toString("base64");
  tellParent({ kind: "preview", ref: { tenant, id }, attempt, step, webp: base64 });
}

/** Writes the marker that makes the bucket hint at a job again. */
async function markRequeued(record: JobRecord, jobs: JobStore, log: Log): Promise<void> {
  try {
    await jobs.markUnfinished(record);
  } catch (error) {
    log.warn(
      { id: record.id, reason: reasonOf(error) },
      "the job is queued again, and is left to the sweeper",
    );
  }
}

/** Writes the marker that triggers webhooks for the start of a job. The job store writes the one for its end. */
async function markBegun(record: JobRecord, jobs: JobStore, log: Log): Promise<void> {
  const dueAt = nextDueAt(record);
  if (isFinished(record) || dueAt === null) return;
  try {
    await jobs.markUndelivered(record, dueAt);
  } catch (error) {
    log.warn(
      { id: record.id, reason: reasonOf(error) },
      "the webhook for the start of the job may be sent only after its end",
    );
  }
}

function tellParent(message: FromGpu): void {
  // The callback ignores errors: the `disconnect` event reports a parent that has ended.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
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
