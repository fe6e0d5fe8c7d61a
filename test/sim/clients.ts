import { createHash } from "node:crypto";
import type { Creation } from "../../lib/service/jobs/creation.ts";
import { isFinished, type JobRef, type JobStore, newVideoId } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { redeliver } from "../../lib/service/webhooks/index.ts";
import type { Random } from "../../lib/shared/ports.ts";
import { forgotten, newJob } from "../service/jobs/sample-job.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";
import type { Swarm } from "./swarm.ts";

/** API process. */
export interface Api {
  readonly process: Process;
  readonly jobs: JobStore;
  readonly random: Random;
}

/** Answers that clients got and rely on. */
export interface Ledger {
  /** Answers that named a job, with the client that asked. */
  readonly acknowledged: { readonly client: number; readonly fingerprint: string; readonly ref: JobRef }[];
  readonly cancelled: JobRef[];
  /** Jobs for which a redelivery of webhooks was requested. */
  readonly redelivered: Set<string>;
  /** Jobs for which the outcome of such a request is unknown. */
  readonly unanswered: Set<string>;
}

export interface ClientOptions {
  readonly number: number;
  /** Process of the client; it never dies, but may be paused. */
  readonly process: Process;
  readonly network: Network;
  /** API processes that are alive. */
  readonly apis: () => readonly Api[];
  readonly work: Pick<HintQueue, "send">;
  readonly webhooks: Pick<HintQueue, "send">;
  readonly swarm: Swarm;
  readonly ledger: Ledger;
  /** True if the jobs of some clients have a picture, whose files are deleted with them. */
  readonly hasPictures: boolean;
}

export const TENANTS = ["acme", "acme2", "umbrella"];

const TIMEOUT_MS = 30_000;
const TRIES = 6;
const FAILED = { isAnswered: false } as const;

type Answer<T> = { readonly isAnswered: true; readonly value: T } | typeof FAILED;

/** Runs a client that requests one video, retries until it gets an answer, and may cancel, redeliver or delete. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { process, network, swarm, ledger, number } = options;
  const { random } = network;
  await network.sleep(process, random.integer(0, swarm.faultsMs));
  const hasKey = random.chance(0.8);
  const isImpatient = hasKey && random.chance(0.2);
  const [ref] = await Promise.all([
    create(options, `f${number}`, hasKey),
    isImpatient ? create(options, `f${number}`, hasKey) : null,
    hasKey && random.chance(0.1) ? create(options, `other${number}`, hasKey) : null,
  ]);
  if (!ref) return;
  if (random.chance(swarm.cancelled)) {
    await network.sleep(process, random.integer(0, 240_000));
    const answer = await ask(options, ({ jobs }) => jobs.apply(ref, { type: "cancel" }));
    if (answer.isAnswered && answer.value.ok) ledger.cancelled.push(ref);
  }
  if (random.chance(0.1)) {
    await network.sleep(process, random.integer(0, 600_000));
    ledger.redelivered.add(ref.id);
    const answer = await ask(options, (api) => redeliverAll(api, ref, options.webhooks));
    if (!answer.isAnswered) ledger.unanswered.add(ref.id);
  }
  if (random.chance(0.2)) {
    await network.sleep(process, random.integer(0, 600_000));
    await ask(options, async ({ jobs }) => {
      const { ok } = await jobs.apply(ref, { type: "delete", params: forgotten });
      if (ok && options.hasPictures) await jobs.deleteFiles(ref);
    });
  }
}

async function create(options: ClientOptions, fingerprint: string, hasKey: boolean): Promise<JobRef | null> {
  const { number, swarm, ledger, work, hasPictures } = options;
  const tenant = TENANTS[number % TENANTS.length]!;
  const claim = { scope: `scope${number}`, fingerprint, lifetimeMs: 86_400_000, isFirst: false };
  const answer = await ask<Creation>(options, async ({ jobs, process, random }) => {
    const now = process.clock.now();
    const job = {
      ...newJob,
      id: newVideoId(process.clock, random),
      tenant,
      keyId: `key${number % 2}`,
      createdAt: now,
      deadlineAt: now + swarm.deadlineMs,
    };
    const inputs =
      hasPictures && number % 3 === 0 ? async () => ({ input_reference: pictureOf(fingerprint) }) : undefined;
    const options = { claim: hasKey ? claim : undefined, unfinishedMax: 1000, inputs };
    const creation = await jobs.create(job, options);
    if (creation.outcome === "created") await work.send(creation.record);
    return creation;
  });
  if (!answer.isAnswered || !("record" in answer.value)) return null;
  const { id } = answer.value.record;
  ledger.acknowledged.push({ client: hasKey ? number : -1, fingerprint, ref: { tenant, id } });
  return { tenant, id };
}

/** Makes the picture of a request. */
function pictureOf(fingerprint: string) {
  const body = new TextEncoder().encode(`picture of ${fingerprint}`);
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { body, sha256, contentType: "image/png", width: 16, height: 16 };
}

/** Requests a redelivery. The marker comes before the record, so that the death of this process does not lose it. */
async function redeliverAll(
  { jobs, process }: Api,
  ref: JobRef,
  webhooks: ClientOptions["webhooks"],
): Promise<void> {
  const record = await jobs.read(ref);
  if (!record || !isFinished(record) || record.deletedAt !== null) return;
  const now = process.clock.now();
  await jobs.markUndelivered(ref, now);
  await jobs.updateEvents(ref, (newest) => ({ events: redeliver(newest, null, now) ?? newest.events }));
  await webhooks.send(ref);
}

/** Sends a request to one API process after another, until one answers. */
async function ask<T>(options: ClientOptions, request: (api: Api) => Promise<T>): Promise<Answer<T>> {
  const { network, process } = options;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await network.sleep(process, network.random.integer(500, 20_000));
    const answer = await askOnce(options, request);
    if (answer.isAnswered) return answer;
  }
  return FAILED;
}

function askOnce<T>({ network, process, apis }: ClientOptions, request: (api: Api) => Promise<T>) {
  return new Promise<Answer<T>>((resolve, reject) => {
    const alive = apis();
    network.deliver(process, alive.length > 0 ? TIMEOUT_MS : 1, () => resolve(FAILED));
    if (alive.length === 0) return;
    const api = network.random.pick(alive);
    const answer = (value: Answer<T>) => network.deliver(process, network.latency(), () => resolve(value));
    network.deliver(api.process, network.latency(), () => {
      request(api).then(
        (value) => answer({ isAnswered: true, value }),
        (error) => (error instanceof StoreError ? answer(FAILED) : reject(error)),
      );
    });
  });
}
