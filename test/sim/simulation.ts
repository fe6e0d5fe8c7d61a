import { leastTime } from "../../functions/gpu/least-time.ts";
import { settle } from "../../functions/settle/settle.ts";
import { sweepJobs } from "../../functions/sweep/sweep.ts";
import { handleWebhooks } from "../../functions/webhook/webhook.ts";
import { isBelievedIn } from "../../lib/service/backends/index.ts";
import {
  type Applied,
  type DelayedHints,
  type Hints,
  hasUnsettled,
  isFinished,
  type JobRecord,
  type JobRef,
  type JobStore,
  jobOfKey,
  jobStore,
  type SweepReport,
  sweep,
} from "../../lib/service/jobs/index.ts";
import { jobKey, UNDELIVERED_PREFIX, UNFINISHED_PREFIX } from "../../lib/service/jobs/object-keys.ts";
import { PASSED_OVER_MS } from "../../lib/service/jobs/turns.ts";
import { keyRing } from "../../lib/service/keys/index.ts";
import type { Hinted } from "../../lib/service/queue/index.ts";
import { runStore } from "../../lib/service/quotes/index.ts";
import type { FileSystem } from "../../lib/service/storage/file-system.ts";
import { type ObjectStore, type StoredObject, StoreError } from "../../lib/service/storage/index.ts";
import {
  deliverWebhooks,
  type Post,
  planWebhooks,
  webhookEndpoints,
} from "../../lib/service/webhooks/index.ts";
import { CLOCK_SKEW_MS } from "../../lib/shared/ahead.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { NOW, newJob } from "../service/jobs/sample-job.ts";
import { type Api, type Ledger, runClient, TENANTS } from "./clients.ts";
import { Endpoint } from "./endpoint.ts";
import { orLater, runDispatcher, runSettler } from "./functions.ts";
import { HintQueue } from "./hint-queue.ts";
import { Invariants } from "./invariants.ts";
import { Machine } from "./machine.ts";
import { Network, PAUSE_MS_MAX, Process } from "./network.ts";
import { type PullerOptions, runQueuePuller, runStorePuller } from "./puller.ts";
import { Receiver } from "./receiver.ts";
import { type RunsClient, RunsQueue } from "./runs-queue.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type Swarm, swarmOf } from "./swarm.ts";
import { VirtualTime } from "./virtual-time.ts";
import { LEASE_MS, RENEW_MS, type RunnerOptions, runWorker, silent, WORKER_KIND } from "./worker.ts";

/** Bug inserted on purpose, where the simulation passes dependencies to the code. */
export interface Mutation {
  readonly jobs?: (
    jobs: JobStore,
    given: { store: ObjectStore; process: Process; endpoint: Endpoint | RunsQueue | null },
  ) => JobStore;
  readonly store?: (store: ObjectStore) => ObjectStore;
  readonly post?: (post: Post) => Post;
  readonly hints?: (hints: Hints) => Hints;
  readonly worker?: Partial<
    Pick<
      PullerOptions,
      "artifactKey" | "heedsRefusals" | "heedsSilence" | "leastTime" | "takesTurns" | "remembers"
    >
  >;
  readonly hasSweeper?: false;
  /** Changes the requests of processes to the queue of runs, in the topology `ecs`. */
  readonly runs?: (client: RunsClient) => RunsClient;
  /** Changes the file system that processes use, in the topology `folder`. */
  readonly files?: (files: FileSystem) => FileSystem;
}

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly traceHash: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** Counters of a sweep's repairs. */
const REPAIRS = ["lost", "expired", "orphaned", "resent", "failed"] as const satisfies (keyof SweepReport)[];

const SWEEP_MS = 60_000;
const STALE_MS = 60_000;
/**
 * Time after the faults within which everything must settle: a webhook may wait for two hours, and a receiver
 * may ask for one.
 */
const SETTLE_MS = 6 * 3_600_000;
const SLACK_MS = 30_000;
const REPLACEMENTS_MAX = 3;

/** Hints of a deployment's clients: none, because the bucket's events are the hints. */
const SILENT = { send: async () => undefined };

const POWER_CUTS_MAX = 3;

/**
 * Topology of the service. Locally, workers receive the hints. In a deployment, jobs are dispatched to an
 * endpoint with its own queue, and the bucket's events are the hints.
 * `folder` is local too, with the folder store on a disk of a machine whose power may be cut, instead of a store in
 * memory that never fails. `ecs` is a deployment whose workers pull from a queue. `pulled` has workers that look for
 * jobs in the store themselves: nobody hints at anything.
 */
export type Topology = "local" | "folder" | "deployed" | "ecs" | "pulled";

/** Runs one seed until all jobs and webhooks are settled, an invariant is violated, or nothing is left to happen. */
export function simulate(
  seed: number,
  jobs: number,
  mutation: Mutation = {},
  topology: Topology = "local",
): Promise<Outcome> {
  return new Simulation(seed, swarmOf(seed, jobs), mutation, topology).run();
}

class Simulation {
  readonly #seed: number;
  readonly #swarm: Swarm;
  readonly #mutation: Mutation;
  readonly #random: SeededRandom;
  readonly #time: VirtualTime;
  readonly #network: Network;
  /** Holds the webhook endpoints, and everything else too without a machine. */
  readonly #memory = memoryStore();
  readonly #machine: Machine | null;
  readonly #alive = new Set<Process>();
  /** Keys of records of which a power cut took back writes that others may have read before. */
  readonly #takenBack = new Set<string>();
  readonly #invariants: Invariants;
  readonly #receiver: Receiver;
  readonly #work: HintQueue;
  readonly #webhooks: HintQueue;
  /** Endpoint of a deployment, or the queue that its workers pull from; null locally. */
  readonly #endpoint: Endpoint | RunsQueue | null;
  readonly #isPulled: boolean;
  /** Pulling workers that wait for a turn. */
  readonly #waiting = new Set<Process>();
  readonly #ring = keyRing(new Uint8Array(32), (byteCount) => this.#random.bytes(byteCount));
  readonly #ledger: Ledger = {
    acknowledged: [],
    cancelled: [],
    redelivered: new Set(),
    unanswered: new Set(),
  };
  readonly #violations: string[] = [];
  readonly #repairs = { lost: 0, expired: 0, orphaned: 0, resent: 0, failed: 0 };
  readonly #apis = new Map<Process, Api>();
  readonly #answeredClaims = new Set<string>();
  readonly #underWay = new Map<string, JobRef>();
  #steps = 0;
  #healedAt = Number.POSITIVE_INFINITY;
  #isSettled = false;

  constructor(seed: number, swarm: Swarm, mutation: Mutation, topology: Topology) {
    this.#seed = seed;
    this.#swarm = swarm;
    this.#mutation = mutation;
    this.#random = new SeededRandom(seed);
    this.#time = new VirtualTime(NOW, this.#random);
    const { faults, latencyMs } = swarm;
    this.#network = new Network({ time: this.#time, random: this.#random, faults, latencyMs });
    this.#work = new HintQueue(this.#network);
    this.#webhooks = new HintQueue(this.#network);
    this.#endpoint =
      topology === "deployed"
        ? new Endpoint(this.#network)
        : topology === "ecs"
          ? new RunsQueue(this.#network, mutation.runs)
          : null;
    this.#isPulled = topology === "pulled";
    this.#machine = topology === "folder" ? this.#newMachine() : null;
    this.#invariants = new Invariants({
      objects: this.#objects,
      now: () => this.#time.now,
      skewMs: swarm.skewMs,
      blindMs: this.#isPulled ? PASSED_OVER_MS : 0,
      violate: this.#violate,
    });
    this.#receiver = new Receiver(this.#network, this.#checkPost, this.#checkDouble);
  }

  async run(): Promise<Outcome> {
    await this.#prepare();
    const { apis, workers, senders, sweepers, jobs, faultsMs } = this.#swarm;
    this.#staff("api", apis, this.#runApi);
    const isPulling = this.#isPulled || this.#endpoint instanceof RunsQueue;
    this.#staff("worker", workers, isPulling ? this.#runPuller : this.#runWorker);
    this.#staff("sender", senders, this.#runSender);
    if (this.#mutation.hasSweeper !== false) this.#staff("sweeper", sweepers, this.#runSweeper);
    if (this.#endpoint) this.#deploy(this.#endpoint);
    if (this.#machine) this.#planPowerCuts(this.#machine);
    for (let number = 0; number < jobs; number += 1) this.#runClient(number);
    this.#time.after(faultsMs, () => {
      this.#network.heal();
      this.#healedAt = this.#time.now;
    });
    this.#time.after(0, this.#watch);
    await this.#time.run(() => this.#isSettled || this.#violations.length > 0);
    if (this.#violations.length === 0) this.#checkEnd();
    return {
      seed: this.#seed,
      violations: this.#violations,
      traceHash: this.#time.traceHash(),
      figures: this.#figures(),
    };
  }

  async #prepare(): Promise<void> {
    const endpoints = webhookEndpoints({
      store: this.#memory,
      ring: this.#ring,
      clock: this.#rightClock,
      random: this.#random.bytes,
      sleep: (durationMs) => new Promise((resolve) => this.#time.after(durationMs, () => resolve(null))),
    });
    for (const tenant of TENANTS.slice(1)) {
      await endpoints.create(tenant, {
        name: "all",
        url: `https://${tenant}.example/hook`,
        eventTypes: ["video.queued", "video.in_progress", "video.completed", "video.failed"],
      });
    }
    if (!this.#swarm.isDamaged) return;
    const store = (await this.#machine?.prepare()) ?? this.#memory;
    const damaged = { ...newJob, tenant: "aaa" };
    await store.put(jobKey(damaged), new TextEncoder().encode("{}"));
    await store.put(`${UNFINISHED_PREFIX}aaa/key/${damaged.id}`, new TextEncoder().encode(`${NOW}`));
  }

  get #rightClock() {
    return { now: () => this.#time.now };
  }

  #violate = (sentence: string): void => {
    if (this.#violations.length < 10) this.#violations.push(`${sentence} at ${this.#time.now - NOW} ms`);
  };

  /** Keeps a number of processes of a kind running. Every restart gets a new name. */
  #staff(role: string, count: number, run: (process: Process) => Promise<unknown>): void {
    const spawn = (index: number, life: number) => {
      let skewMs = this.#random.integer(-this.#swarm.skewMs, this.#swarm.skewMs);
      const now = () => {
        // Clocks are corrected from time to time, forwards or backwards.
        if (this.#swarm.skewMs > 0 && this.#random.chance(0.002)) {
          skewMs = this.#random.integer(-this.#swarm.skewMs, this.#swarm.skewMs);
        }
        return this.#time.now + skewMs;
      };
      const process = new Process(`${role}${index}-${life}`, { now }, () => {
        this.#invariants.dead.add(process.name);
        this.#alive.delete(process);
        this.#apis.delete(process);
        this.#waiting.delete(process);
        this.#bury(process.name);
        this.#time.after(this.#random.integer(500, 30_000), () => spawn(index, life + 1));
      });
      this.#alive.add(process);
      this.#time.note(`${process.name} starts`);
      run(process).catch((error: Error) => this.#violate(`${process.name} broke: ${error.stack}`));
    };
    for (let index = 0; index < count; index += 1) spawn(index, 1);
  }

  /** Starts the additional parts of a deployment: dispatchers and settlers, and replacements of the endpoint. */
  #deploy(endpoint: Endpoint | RunsQueue): void {
    const { apis, senders, faultsMs } = this.#swarm;
    const given = (process: Process) => ({
      process,
      network: this.#network,
      work: this.#work,
      hints: this.#hints,
      ...this.#jobsFor(process),
    });
    this.#staff("dispatcher", apis, (process) => runDispatcher({ ...given(process), endpoint }));
    if (endpoint instanceof RunsQueue) return;
    this.#staff("settler", senders, (process) => runSettler({ ...given(process), endpoint }));
    for (let count = this.#random.integer(0, REPLACEMENTS_MAX); count > 0; count -= 1)
      this.#time.after(this.#random.integer(0, faultsMs), () => endpoint.replace());
  }

  #newMachine(): Machine {
    return new Machine({
      network: this.#network,
      mutate: this.#mutation.files ?? ((files) => files),
      onWrite: (key, object, process) => this.#invariants.written(key, object, process),
      violate: this.#violate,
    });
  }

  /** Objects of the store. */
  get #objects(): Pick<ReadonlyMap<string, StoredObject>, "get" | "has"> & { keys(): Iterable<string> } {
    return this.#machine?.objects ?? this.#memory.objects;
  }

  /** Plans power cuts, in which all processes die, queues are emptied and the disk loses what was not synced. */
  #planPowerCuts(machine: Machine): void {
    const cut = () => {
      this.#time.note("the power is cut");
      for (const process of [...this.#alive]) process.die();
      for (const queue of [this.#work, this.#webhooks]) queue.clear();
      const keys = machine.cutPower();
      for (const key of keys) this.#takenBack.add(key);
      if (this.#violations.length === 0) this.#invariants.takenBack(keys);
    };
    for (let count = this.#random.integer(1, POWER_CUTS_MAX); count > 0; count -= 1)
      this.#time.after(this.#random.integer(0, this.#swarm.faultsMs), cut);
  }

  /** Sometimes reports the death of a worker, as a parent process does. */
  #bury(owner: string): void {
    const ref = this.#underWay.get(owner);
    this.#underWay.delete(owner);
    if (this.#endpoint) {
      if (ref) this.#endpoint.tell(ref);
      return;
    }
    const api = [...this.#apis.values()][0];
    if (!ref || !api || this.#random.chance(0.7)) return;
    api.jobs.apply(ref, { type: "abandon", owner }).then(
      async ({ ok }) => {
        if (ok) await this.#work.send(ref);
      },
      (error) => error instanceof StoreError || this.#violate(`abandoning broke: ${error.stack}`),
    );
  }

  #jobsFor(process: Process): { jobs: JobStore; store: ObjectStore } {
    const { jobs: mutateJobs, store: mutateStore } = this.#mutation;
    const stored = this.#machine?.storeFor(process) ?? this.#invariants.watched(this.#memory, process);
    const reached = this.#network.storeFor(process, this.#eventful(stored));
    const store = mutateStore?.(reached) ?? reached;
    const sleep = (durationMs: number) => this.#network.sleep(process, durationMs);
    const jobs = jobStore({
      store,
      clock: process.clock,
      random: this.#random.bytes,
      sleep,
    });
    return { jobs: mutateJobs?.(jobs, { store, process, endpoint: this.#endpoint }) ?? jobs, store };
  }

  /** Sends hints for the markers written to the bucket, in a deployment. */
  #eventful(store: ObjectStore): ObjectStore {
    if (!this.#endpoint) return store;
    return {
      ...store,
      put: (key, ...rest) => {
        const result = store.put(key, ...rest);
        if (key.startsWith(UNFINISHED_PREFIX)) void this.#work.send(jobOfKey(key)!);
        if (key.startsWith(UNDELIVERED_PREFIX)) void this.#webhooks.send(jobOfKey(key)!);
        return result;
      },
    };
  }

  /** Hints as sent by the functions of a deployment. */
  get #hints(): DelayedHints {
    return {
      work: (ref, delaySeconds = 0) => this.#work.send(ref, delaySeconds * 1000),
      webhooks: (ref, delaySeconds = 0) => this.#webhooks.send(ref, delaySeconds * 1000),
    };
  }

  #runClient(number: number): void {
    const process = new Process(`client${number}`, this.#rightClock, () => undefined);
    runClient({
      number,
      process,
      network: this.#network,
      apis: () => [...this.#apis.values()],
      work: this.#isHinted ? this.#work : SILENT,
      webhooks: this.#endpoint ? SILENT : this.#webhooks,
      swarm: this.#swarm,
      ledger: this.#ledger,
      // The hint that follows a picture would hide the mutations of dispatching.
      hasPictures: this.#endpoint === null,
    }).catch((error: Error) => this.#violate(`${process.name} broke: ${error.stack}`));
  }

  #runApi = async (process: Process): Promise<void> => {
    const { jobs } = this.#jobsFor(process);
    this.#apis.set(process, { process, jobs, random: this.#random.bytes });
  };

  /** True if work is hinted at by those who make it. */
  get #isHinted(): boolean {
    return this.#endpoint === null && !this.#isPulled;
  }

  #runnerOf(process: Process): RunnerOptions {
    const { jobs, store } = this.#jobsFor(process);
    const sleep = (durationMs: number) => this.#network.sleep(process, durationMs);
    const runs = runStore(store, { random: this.#random.bytes, sleep });
    const { clock } = process;
    const elapsed = () => this.#time.now;
    return {
      process,
      network: this.#network,
      jobs,
      store,
      runs,
      leastTime: leastTime({ runs, workerKind: WORKER_KIND, clock, elapsed, log: silent }),
      webhooks: this.#isHinted ? this.#webhooks : SILENT,
      onRequeue: async (record) => {
        if (this.#endpoint) await jobs.markUnfinished(record);
        if (this.#isHinted) await this.#work.send(record);
      },
      swarm: this.#swarm,
      onStep: this.#checkStep,
      onClaim: this.#checkClaim,
      ...this.#mutation.worker,
    };
  }

  #runWorker = (process: Process): Promise<never> => {
    const runner = this.#runnerOf(process);
    return runWorker({
      ...runner,
      work: this.#invocations,
      onAnswer: (ref) => this.#answer(ref, process, runner.jobs),
    });
  };

  /** Queue that invokes workers. */
  get #invocations(): HintQueue {
    return this.#endpoint instanceof Endpoint ? this.#endpoint.invocations : this.#work;
  }

  #runPuller = (process: Process): Promise<void> => {
    const runner = this.#runnerOf(process);
    if (this.#endpoint instanceof RunsQueue) return runQueuePuller(this.#endpoint, runner);
    return runStorePuller({
      ...runner,
      onWait: (isWaiting) => this.#waiting[isWaiting ? "add" : "delete"](process),
    });
  };

  /** Tells of the end of an invocation. Locally, the process that invokes the worker settles it at once. */
  async #answer(ref: JobRef, process: Process, jobs: JobStore): Promise<void> {
    if (this.#endpoint) return this.#endpoint.tell(ref);
    const sleep = (durationMs: number) => this.#network.sleep(process, durationMs);
    const backend = { believedMs: 0, pauseMs: 1000 };
    try {
      await settle({ jobs, backend, hints: this.#hints, sleep }, { ref, failure: null });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  #runSweeper = async (process: Process): Promise<never> => {
    const { jobs } = this.#jobsFor(process);
    const own: Hints = {
      work: async (ref) => (this.#isPulled ? undefined : this.#work.send(ref)),
      webhooks: (ref) => this.#webhooks.send(ref),
    };
    const hints = this.#mutation.hints?.(own) ?? own;
    const onError = () => undefined;
    for (;;) {
      await this.#network.sleep(process, SWEEP_MS);
      try {
        const { clock } = process;
        const isStale = ({ updatedAt }: JobRecord) => updatedAt + STALE_MS <= clock.now();
        const options = { jobs, hints, clock, onError };
        const report = this.#endpoint
          ? await sweepJobs({ ...options, backend: this.#endpoint.backendFor(process) })
          : await sweep({ ...options, isStale });
        for (const name of REPAIRS) this.#repairs[name] += report[name];
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  };

  #runSender = async (process: Process): Promise<never> => {
    const { jobs } = this.#jobsFor(process);
    // This store has no faults, so it never needs to wait: only jobs are simulated here.
    const endpoints = webhookEndpoints({
      store: this.#memory,
      ring: this.#ring,
      clock: process.clock,
      random: this.#random.bytes,
      sleep: (durationMs) => this.#network.sleep(process, durationMs),
    });
    const post = this.#receiver.postFrom(process);
    const options = {
      jobs,
      endpoints,
      ring: this.#ring,
      post: this.#mutation.post?.(post) ?? post,
      clock: process.clock,
      spread: () => this.#random.next(),
    };
    const sendHints = (ref: JobRef, receiver: string) => this.#webhooks.send({ ...ref, receiver });
    const onError = (error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    };
    const lookLocally = async ({ receiver, ...ref }: Hinted) => {
      if (receiver !== undefined) return (await deliverWebhooks(options, ref, receiver)).nextAt;
      const { receivers, nextAt } = await planWebhooks(options, ref);
      for (const each of receivers) await sendHints(ref, each);
      return nextAt;
    };
    for (;;) {
      const ref = await this.#webhooks.receive(process);
      if (this.#endpoint) {
        const deployed = { ...options, hints: this.#hints, sendHints, onError };
        await orLater(this.#webhooks, ref, () => handleWebhooks(deployed, ref));
        continue;
      }
      try {
        const nextAt = await lookLocally(ref);
        if (nextAt !== null) void this.#remind(process, ref, nextAt);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  };

  async #remind(process: Process, { tenant, id }: JobRef, at: number): Promise<void> {
    await this.#network.sleep(process, Math.max(1000, at - process.clock.now()));
    await this.#webhooks.send({ tenant, id });
  }

  #recordOf(ref: JobRef): JobRecord | undefined {
    return this.#invariants.records.get(jobKey(ref));
  }

  /** Checks S5, S10 and S13 at each denoising step, where violations waste time. */
  #checkStep = (record: JobRecord, process: Process): void => {
    this.#steps += 1;
    this.#underWay.set(process.name, record);
    const newest = this.#recordOf(record)!;
    const { status, attempt, lease, updatedAt } = newest;
    if (newest.deletedAt === null && !this.#invariants.hasInputs(newest))
      this.#violate(`S13: a picture of a job is missing (${record.id}, ${process.name})`);
    if (status === "running") {
      const isOther = attempt !== record.attempt || lease?.owner !== process.name;
      if (isOther) this.#violate(`S5: two workers at once (${record.id}, ${process.name})`);
      return;
    }
    const { latencyMs, stepMs, skewMs } = this.#swarm;
    const isTroubled = process.troubledAt > updatedAt - LEASE_MS;
    const allowedMs = (isTroubled ? LEASE_MS : RENEW_MS + stepMs + 4 * latencyMs) + 2 * skewMs;
    if (this.#time.now - updatedAt > allowedMs)
      this.#violate(`S10: work on a job that is ${status} (${record.id}, ${process.name})`);
  };

  /** Checks that a refused claim does not name a claim of the same worker whose answer it never got. */
  #checkClaim = ({ ok, record }: Applied, { name }: Process): void => {
    if (record?.lease?.owner !== name) return;
    const claim = `${record.id} ${record.attempt} ${name}`;
    if (ok) this.#answeredClaims.add(claim);
    else if (!this.#answeredClaims.has(claim)) this.#violate(`a claim is not known as one's own (${claim})`);
  };

  /** Checks S11; a redelivery may overlap with the delivery in progress. */
  #checkDouble = (id: string, { name }: Process): void => {
    const isRedelivered = this.#ledger.redelivered.has(`video_${id.split("_")[1]}`);
    if (!isRedelivered) this.#violate(`S11: two senders at once (${id}, ${name})`);
  };

  #checkPost = (id: string, body: string): void => {
    const jobId = `video_${id.split("_")[1]}`;
    const events = [...this.#invariants.records.values()].find((record) => record.id === jobId)?.events;
    const event = events?.find((each) => each.id === id);
    if (!event) this.#violate(`S8: the event ${id} is told before it is written`);
    else if (event.body !== body) this.#violate(`S7: the bytes of ${id} are others`);
  };

  /** Checks once per minute what must hold after the faults have stopped, and whether everything is settled. */
  #watch = (): void => {
    const sinceHealedMs = this.#time.now - this.#healedAt;
    const { skewMs, latencyMs } = this.#swarm;
    const sweepMs = 2 * SWEEP_MS + 1000 * latencyMs + SLACK_MS;
    if (sinceHealedMs > PAUSE_MS_MAX + sweepMs) {
      for (const record of this.#invariants.records.values()) {
        const { id, status, lease, updatedAt, deadlineAt } = record;
        const isOver = (time: number) => this.#time.now > time + sweepMs + 2 * skewMs;
        if (lease && isOver(lease.until + CLOCK_SKEW_MS)) this.#violate(`L4: a lease that is over (${id})`);
        const isWaiting = status === "queued" && this.#hasIdleWorker && isOver(updatedAt + STALE_MS);
        if (isWaiting && !this.#isCountedOn(record, sweepMs))
          this.#violate(`L3: nobody begins a queued job (${id})`);
        if (!isFinished({ status }) && isOver(deadlineAt))
          this.#violate(`L1: a job outlives its deadline (${id})`);
      }
    }
    this.#isSettled = sinceHealedMs > 0 && this.#isOver();
    if (sinceHealedMs > SETTLE_MS) this.#violate("L2: markers are left when everything should be over");
    this.#time.after(60_000, this.#watch);
  };

  get #hasIdleWorker(): boolean {
    if (this.#isPulled) return this.#waiting.size > 0;
    return (this.#endpoint instanceof RunsQueue ? this.#endpoint : this.#invocations).hasIdle;
  }

  /**
   * True if the job is still believed to wait in the endpoint's queue, where it may be lost until the sweeper
   * looks again.
   */
  #isCountedOn(record: JobRecord, sweepMs: number): boolean {
    const endpoint = this.#endpoint;
    if (!endpoint) return false;
    const { now } = this.#time;
    const lateMs = STALE_MS + sweepMs;
    if (endpoint instanceof RunsQueue) {
      // The sweep asks an empty queue, and no job is counted on there.
      const { emptySince } = endpoint;
      if (emptySince !== null && emptySince + lateMs <= now) return false;
    } else if (endpoint.replacedAt + lateMs > now) return true;
    return isBelievedIn(endpoint, record, now - lateMs);
  }

  #isOver(): boolean {
    const markers = [...this.#objects.keys()].filter(
      (key) => key.startsWith(UNDELIVERED_PREFIX) || key.startsWith(UNFINISHED_PREFIX),
    );
    return markers.length === (this.#swarm.isDamaged ? 1 : 0);
  }

  #checkEnd(): void {
    for (const record of this.#invariants.records.values()) {
      if (!isFinished(record)) this.#violate(`L1: ${record.id} is ${record.status} for ever`);
      if (!this.#invariants.hasInputs(record)) this.#violate(`S13: a picture of ${record.id} is missing`);
      const isAsked = !this.#ledger.unanswered.has(record.id);
      if (isAsked && hasUnsettled(record)) this.#violate(`L2: nobody is told of ${record.id}`);
    }
    const byClient = new Map<number, { ids: Set<string>; fingerprints: Set<string> }>();
    for (const { client, fingerprint, ref } of this.#ledger.acknowledged) {
      // The answer may have come from a record that was read before it was durable.
      if (this.#takenBack.has(jobKey(ref))) continue;
      if (!this.#recordOf(ref)) this.#violate(`S1: ${ref.id} was acknowledged and is not there`);
      if (client < 0) continue;
      const known = byClient.get(client) ?? { ids: new Set(), fingerprints: new Set() };
      byClient.set(client, known);
      known.ids.add(ref.id);
      known.fingerprints.add(fingerprint);
    }
    for (const [client, { ids, fingerprints }] of byClient) {
      if (ids.size > 1) this.#violate(`S2: client ${client} has the jobs ${[...ids].join(", ")}`);
      if (fingerprints.size > 1) this.#violate(`S2: client ${client} has one key for two requests`);
    }
    for (const ref of this.#ledger.cancelled) {
      if (this.#takenBack.has(jobKey(ref))) continue;
      if (this.#recordOf(ref)?.status !== "cancelled") this.#violate(`S3: ${ref.id} was cancelled`);
    }
  }

  #figures(): Record<string, number> {
    const { counts } = this.#network;
    const records = [...this.#invariants.records.values()];
    return {
      jobs: records.length,
      acknowledged: this.#ledger.acknowledged.length,
      ...counts,
      claims: this.#invariants.claims,
      notBegun: this.#invariants.notBegun,
      steps: this.#steps,
      posts: this.#receiver.posts,
      events: this.#receiver.bodies.size,
      repeatedEvents: this.#receiver.repeated.size,
      ...Object.fromEntries(Object.entries(this.#repairs).map(([name, count]) => [`sweeper_${name}`, count])),
      settledSeconds: Math.round((this.#time.now - this.#healedAt) / 1000),
    };
  }
}
