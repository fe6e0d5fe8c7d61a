import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { writeTinyModel } from "../../test/generation/pipeline/tiny-model.ts";
import { SeededRandom } from "../../test/sim/seeded-random.ts";
import { type Fate, fateOf } from "./fates.ts";
import { causeFault, type FaultKind } from "./faults.ts";
import { timeNeighbours } from "./neighbours.ts";
import { type Acknowledged, type Ordering, orderOne, TENANTS, type Tenant } from "./orders.ts";
import { openReceivers } from "./receivers.ts";
import { openService, type StormService } from "./service.ts";
import { openWatchers, type Watched } from "./watchers.ts";

export interface StormOptions {
  readonly jobs: number;
  readonly faults: number;
  readonly silent: number;
  readonly seed: number;
  readonly minutes: number;
  /** GPU functions that look for jobs themselves; with 0 the service has its own. */
  readonly workers: number;
  /** URL of an empty store; by default a folder. */
  readonly store?: string | undefined;
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
  const storeUrl = options.store ?? pathToFileURL(join(folder, "store")).href;
  const { workers } = options;
  const service = openService({
    folder,
    model,
    leaseMs: LEASE_MS,
    port: await freePort(),
    store: storeUrl,
    workers,
  });
  const startedAt = performance.now();
  try {
    await service.url();
    const keys = await makeKeys(storeUrl);
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
    if (options.faults > 0 && service.isWatched) await hangGpu(service);
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
      left: await leftBehind(service, storeUrl),
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
  service.suspend(service.processes().filter(({ role }) => role === "gpu"));
}

async function makeKeys(storeUrl: string): Promise<Ordering["keys"]> {
  const store = await openStore(storeUrl, { signUrl: () => "" });
  const keys = apiKeys({ store, ...system });
  const made = await Promise.all(
    Object.keys(TENANTS).map(async (tenant) => [tenant, (await keys.create({ tenant, name: "storm" })).key]),
  );
  return Object.fromEntries(made) as Record<Tenant, string>;
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

async function leftBehind(service: StormService, storeUrl: string): Promise<StormResult["left"]> {
  const store = await openStore(storeUrl, { signUrl: () => "" });
  const { keys: unfinished } = await store.list("unfinished/", { limit: 1000 });
  const isFolder = storeUrl.startsWith("file:");
  const temporary = isFolder ? await readdir(join(fileURLToPath(storeUrl), "tmp")) : [];
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
