import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Video, VideoEvents } from "../../functions/api/schemas/video.ts";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { writeTinyModel } from "../../test/generation/pipeline/tiny-model.ts";
import { SeededRandom } from "../../test/sim/seeded-random.ts";
import { causeFault, type FaultKind } from "./faults.ts";
import { timeNeighbours } from "./neighbours.ts";
import {
  type Acknowledged,
  type Ordering,
  orderOne,
  post,
  TENANTS,
  type Tenant,
  untilAnswered,
} from "./orders.ts";
import { openReceivers } from "./receivers.ts";
import { openService, type StormService } from "./service.ts";
import { openWatchers, type Watched } from "./watchers.ts";

export interface StormOptions {
  readonly jobs: number;
  readonly faults: number;
  readonly silent: number;
  readonly seed: number;
  readonly minutes: number;
}

/** Acknowledged order, and what became of it. */
export interface Fate extends Acknowledged {
  /** Status and error code at the end, `404` if the video is gone, `unfinished` if it never ended. */
  readonly end: string;
  /** Entries of the history that are ends. */
  readonly ends: number;
  readonly losses: number;
  /** True if the same idempotency key still names this video. */
  readonly isSame: boolean;
}

export interface StormResult {
  readonly options: StormOptions;
  readonly seconds: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly starts: number;
  readonly fates: readonly Fate[];
  readonly arrivals: Awaited<ReturnType<typeof openReceivers>>["arrivals"];
  /** Acknowledged orders whose end was not delivered to a receiver that answers. */
  readonly undelivered: readonly Acknowledged[];
  /** Milliseconds from a request to its webhook, while the other tenant's receivers are silent. */
  readonly neighbours: readonly number[];
  readonly watched: Watched;
  readonly left: { readonly processes: number; readonly unfinished: number; readonly temporary: number };
  readonly exitCode: number | null;
}

const LEASE_MS = 2_000;
const LANES = 6;
const PAUSE_MS_MAX = 2_500;
const FAULT_PAUSE_MS_MAX = 3_000;

/** Runs a storm. Everything that it starts has ended when it resolves or rejects. */
export async function storm(options: StormOptions, say: (line: string) => void): Promise<StormResult> {
  const random = new SeededRandom(options.seed);
  const scratch = await mkdtemp(join(tmpdir(), "adareel-storm-"));
  const folder = join(scratch, "data");
  const model = await writeTinyModel();
  const receivers = await openReceivers();
  const service = openService({ folder, model, leaseMs: LEASE_MS, port: await freePort() });
  const startedAt = performance.now();
  try {
    await service.url();
    const keys = await makeKeys(folder);
    const ordering: Ordering = { url: service.url, keys, receivers, random, sleep };
    const faults: Record<FaultKind, number> = { kill: 0, suspend: 0, hang: 0, clock: 0 };
    const acknowledged: Acknowledged[] = [];
    const watchers = openWatchers(ordering, new SeededRandom(options.seed + 2));
    let isOver = false;

    const causing = (async () => {
      const chance = new SeededRandom(options.seed + 1);
      for (let count = 0; count < options.faults; count += 1) {
        await sleep(chance.integer(50, FAULT_PAUSE_MS_MAX));
        faults[await causeFault(service, chance, { leaseMs: LEASE_MS, sleep })] += 1;
        if (count % 25 === 24) say(`${count + 1} faults, ${acknowledged.length} videos acknowledged`);
      }
      isOver = true;
    })();
    let next = 0;
    const lane = async () => {
      while (next < options.jobs) {
        next += 1;
        const order = await orderOne(ordering, next);
        acknowledged.push(order);
        watchers.watch(order);
        if (!isOver) await sleep(random.integer(0, PAUSE_MS_MAX));
      }
    };
    await Promise.all([causing, ...Array.from({ length: LANES }, lane)]);

    service.setClock(0);
    // Without a watch over hung processes, nothing would end any more.
    if (options.faults > 0) await hangGpu(service);
    const late = await orderOne(ordering, options.jobs + 1);
    say("the faults are over");
    const until = performance.now() + options.minutes * 60_000;
    const fates = await inTurn([...acknowledged, late], (order) => fateOf(ordering, order, until));
    say("every video has been looked at");
    const watched = await watchers.end();
    const undelivered = await missing([...acknowledged, late], receivers, until);
    const neighbours = await timeNeighbours(ordering, receivers, options.silent);
    const exitCode = await service.end();
    return {
      options,
      seconds: (performance.now() - startedAt) / 1000,
      faults,
      starts: service.starts,
      fates,
      arrivals: receivers.arrivals,
      undelivered,
      neighbours,
      watched,
      left: await leftBehind(service, folder),
      exitCode,
    };
  } finally {
    await service.abort();
    await receivers.close();
    for (const path of [scratch, model]) await rm(path, { recursive: true, force: true });
  }
}

/** Stops the GPU function for good, once there is one. */
async function hangGpu(service: StormService): Promise<void> {
  await service.url();
  while (!service.processes().some(({ role }) => role === "gpu")) await sleep(100);
  service.suspend(["gpu"]);
}

async function makeKeys(folder: string): Promise<Ordering["keys"]> {
  const store = await openStore(join(folder, "store"), { signUrl: () => "" });
  const keys = apiKeys({ store, ...system });
  const made = await Promise.all(
    Object.keys(TENANTS).map(async (tenant) => [tenant, (await keys.create({ tenant, name: "storm" })).key]),
  );
  return Object.fromEntries(made) as Record<Tenant, string>;
}

/** Looks at a video until it has ended, or until a time. */
async function fateOf(ordering: Ordering, order: Acknowledged, until: number): Promise<Fate> {
  const key = ordering.keys[order.tenant];
  const path = `/v1/videos/${order.id}`;
  const look = <T>(method: string, at: string) =>
    untilAnswered<T>(ordering, key, method, at, undefined, {}, [404]);
  let video: Partial<Video> = {};
  do {
    video = await look<Partial<Video>>("GET", path);
    if (video.status !== "queued" && video.status !== "in_progress") break;
    await sleep(200);
  } while (performance.now() < until);
  if (video.id === undefined) return { ...order, end: "404", ends: 1, losses: 0, isSame: true };
  const { lifecycle } = await look<VideoEvents>("GET", `${path}/events`);
  const isEnd = (type: string) => ["completed", "failed", "cancelled"].includes(type);
  const isOver = video.status === "completed" || video.status === "failed";
  return {
    ...order,
    end: isOver ? (video.error?.code ?? video.status!) : "unfinished",
    ends: lifecycle.filter(({ type }) => isEnd(type)).length,
    losses: lifecycle.filter(({ type }) => type === "lost").length,
    isSame: (await post(ordering, order)).id === order.id,
  };
}

/** Returns the orders whose end was delivered to nobody by a time, although their receiver answers. */
async function missing(
  acknowledged: readonly Acknowledged[],
  receivers: Awaited<ReturnType<typeof openReceivers>>,
  until: number,
): Promise<Acknowledged[]> {
  const expected = acknowledged.filter(({ kind }) => kind !== "silent");
  const isThere = ({ id }: Acknowledged) =>
    receivers.arrivals.some(
      ({ videoId, type, isAnswered }) =>
        videoId === id && isAnswered && (type === "video.completed" || type === "video.failed"),
    );
  for (;;) {
    const left = expected.filter((order) => !isThere(order));
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(500);
  }
}

async function leftBehind(service: StormService, folder: string): Promise<StormResult["left"]> {
  const store = await openStore(join(folder, "store"), { signUrl: () => "" });
  const { keys: unfinished } = await store.list("unfinished/", { limit: 1000 });
  const temporary = await readdir(join(folder, "store", "tmp"));
  return {
    processes: service.processes().length,
    unfinished: unfinished.length,
    temporary: temporary.length,
  };
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
