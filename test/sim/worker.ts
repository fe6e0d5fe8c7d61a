import { createHash } from "node:crypto";
import type { LeastTime } from "../../functions/gpu/least-time.ts";
import { refuseLate } from "../../functions/gpu/run-job.ts";
import { resolvedRequestSchema, runFacts } from "../../lib/generation/request/index.ts";
import {
  type Applied,
  artifactKey,
  fairTurns,
  isFinished,
  type JobEvent,
  type JobRecord,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import type { MeasuredRun, RunStore } from "../../lib/service/quotes/index.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { outputs, receipt } from "../service/jobs/sample-job.ts";
import { sampleRun } from "../service/quotes/sample-run.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";
import type { Swarm } from "./swarm.ts";

export const LEASE_MS = 60_000;
export const RENEW_MS = LEASE_MS / 6;

/** Kind of all workers, as their runs name it. */
export const WORKER_KIND = "cpu, float32, simulated";

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Needs of a worker that runs jobs, wherever it learns of them. */
export interface RunnerOptions {
  readonly process: Process;
  readonly network: Network;
  readonly jobs: JobStore;
  readonly store: ObjectStore;
  readonly webhooks: Pick<HintQueue, "send">;
  readonly swarm: Swarm;
  /** Called at the start of a denoising step. */
  readonly onStep: (record: JobRecord, process: Process) => void;
  /** Called when the store has answered a claim. */
  readonly onClaim: (claimed: Applied, process: Process) => void;
  /** Called when a job was queued again that ran in the turn of another one. */
  readonly onRequeue: (record: JobRecord) => Promise<void>;
  /** Keeps what finished runs took. */
  readonly runs: RunStore;
  /** Tells which jobs cannot end any more before their deadline. */
  readonly leastTime: LeastTime;
  /** True if an invocation is a turn; true by default. Otherwise it runs the job that it names. */
  readonly takesTurns?: boolean;
  readonly artifactKey?: typeof artifactKey;
  /** True if a refused renewal stops the work; true by default. */
  readonly heedsRefusals?: boolean;
  /** True if a store that does not answer for too long stops the work; true by default. */
  readonly heedsSilence?: boolean;
}

export interface WorkerOptions extends RunnerOptions {
  readonly work: HintQueue;
  /** Called when the worker has ended the invocation of a job. */
  readonly onAnswer: (ref: JobRef) => Promise<void>;
}

/** Runs jobs in the same order of operations as the GPU function, with steps that only take time. */
export async function runWorker(options: WorkerOptions): Promise<never> {
  const { process, work } = options;
  const turns = fairTurns({ ...options, clock: process.clock, canRun: () => true });
  for (;;) {
    const ref = await work.receive(process);
    let isStopping = false;
    try {
      isStopping = (await takeTurn(ref, turns, options)).isStopping;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    await options.onAnswer(ref);
    if (isStopping) process.die();
  }
}

/** Runs the job whose turn it is, else the named one. */
export async function takeTurn(
  named: JobRef | null,
  turns: ReturnType<typeof fairTurns>,
  options: RunnerOptions,
): Promise<JobRun> {
  const { jobs, takesTurns = true, onRequeue } = options;
  if (takesTurns) {
    for await (const next of turns.next(named && (await jobs.read(named)))) {
      if (await refuseLate(next, refusalOf(options))) continue;
      const run = await runJob(next, options);
      if (!run.hasRun) continue;
      if (run.record?.status === "queued" && run.record.id !== named?.id) await onRequeue(run.record);
      return run;
    }
  }
  return named ? runJob(named, options) : { hasRun: false, isStopping: false, record: null };
}

function refusalOf({ jobs, process, leastTime, webhooks }: RunnerOptions) {
  const onChange = (record: JobRecord) => void webhooks.send(record);
  return { jobs, clock: process.clock, leastTime, log: silent, onChange };
}

interface JobRun {
  readonly hasRun: boolean;
  /** True if the worker was told to stop. */
  readonly isStopping: boolean;
  readonly record: JobRecord | null;
}

async function runJob(ref: JobRef, options: RunnerOptions): Promise<JobRun> {
  const { jobs, process, network } = options;
  const claimed = await jobs.apply(ref, { type: "claim", owner: process.name, leaseMs: LEASE_MS });
  options.onClaim(claimed, process);
  const refused = { hasRun: false, isStopping: false, record: claimed.record };
  if (!claimed.ok) {
    if (claimed.reason === "overdue") await jobs.apply(ref, { type: "expire" });
    return refused;
  }
  await options.webhooks.send(ref);
  const { record } = claimed;
  if (!record.lease) return refused;

  const begunAt = network.time.now;
  const lease = keepLease(record, options);
  const event = await work(record, lease, options);
  lease.isClosed = true;
  for (;;) {
    try {
      const { record: last } = await jobs.apply(ref, lease.lost === null ? event : { type: "expire" });
      if (last && isFinished(last)) await options.webhooks.send(ref);
      if (last?.status === "completed") await keep(last, network.time.now - begunAt, options.runs);
      return { hasRun: true, isStopping: event.type === "release", record: last };
    } catch (error) {
      if (!(error instanceof StoreError) || process.clock.now() >= lease.until) throw error;
      await network.sleep(process, 500);
    }
  }
}

async function keep({ params }: JobRecord, madeMs: number, runs: RunStore): Promise<void> {
  try {
    await runs.add(params.model, measured(params, madeMs / 1000));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

function measured(params: JobRecord["params"], make: number): MeasuredRun {
  const { model: _, ...facts } = runFacts(resolvedRequestSchema.parse(params));
  return sampleRun({
    ...facts,
    evaluations: facts.steps,
    worker: WORKER_KIND,
    computed: 4,
    seconds: { make },
  });
}

interface Lease {
  until: number;
  lost: string | null;
  isClosed: boolean;
}

function keepLease(record: JobRecord, options: RunnerOptions): Lease {
  const { jobs, process, network, heedsRefusals = true } = options;
  const lease: Lease = { until: record.lease!.until, lost: null, isClosed: false };
  const holder = { owner: process.name, attempt: record.attempt };
  const renew = async () => {
    for (;;) {
      await network.sleep(process, RENEW_MS);
      if (lease.isClosed || lease.lost) return;
      try {
        const event = { type: "renew", ...holder, leaseMs: LEASE_MS, progress: null } as const;
        const renewed = await jobs.apply(record, event);
        if (renewed.ok) lease.until = renewed.record.lease!.until;
        else if (heedsRefusals) lease.lost = renewed.reason;
        else lease.until = process.clock.now() + LEASE_MS;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  };
  void renew();
  return lease;
}

/** Runs the denoising steps and returns the event to write. The event is ignored if the lease was lost. */
async function work(record: JobRecord, lease: Lease, options: RunnerOptions): Promise<JobEvent> {
  const { process, network, swarm, heedsSilence = true } = options;
  const { random } = network;
  const holder = { owner: process.name, attempt: record.attempt };
  const error = { code: "internal_error", message: "The video could not be generated." } as const;
  const fail = (isRetryable: boolean): JobEvent => ({ type: "fail", ...holder, error, isRetryable });
  for (let step = 0; step < swarm.steps; step += 1) {
    if (heedsSilence && process.clock.now() >= lease.until - LEASE_MS / 3) lease.lost ??= "unreachable";
    if (lease.lost) return fail(true);
    if (random.chance(swarm.stopped)) return { type: "release", ...holder };
    options.onStep(record, process);
    await network.sleep(process, swarm.stepMs);
  }
  if (random.chance(swarm.modelFails)) return fail(random.chance(0.5));
  const video = await upload(record, options);
  if (!video) return fail(true);
  const { attempt } = record;
  return { type: "complete", ...holder, outputs: { ...outputs, video }, receipt: { ...receipt, attempt } };
}

async function upload(record: JobRecord, options: RunnerOptions) {
  const { store, process, network } = options;
  const key = (options.artifactKey ?? artifactKey)(record, record.attempt, "video.mp4");
  const body = new TextEncoder().encode(`${record.id} ${record.attempt} ${process.name}`);
  for (let tries = 1; tries <= 3; tries += 1) {
    try {
      const put = await store.put(key, body, { ifAbsent: true });
      const isThere = put.ok || (put.reason === "precondition_failed" && (await store.get(key)) !== null);
      if (isThere) {
        const sha256 = createHash("sha256").update(body).digest("hex");
        return { key, contentType: "video/mp4", bytes: body.length, sha256 };
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    await network.sleep(process, 500 * tries);
  }
  return null;
}
