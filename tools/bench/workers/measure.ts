import { setMaxListeners } from "node:events";
import { type JobRef, jobStore, newVideoId } from "../../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import { newJob } from "../../../test/service/jobs/sample-job.ts";
import { type Place, pullWithStub } from "./stub-worker.ts";

/** Numbers of workers that are compared. */
export const WORKERS = [1, 2, 4, 8];

/** Longest pause between two looks of a worker that waits: that of the GPU function by default. */
const PAUSE_MS_MAX = 2_000;
/** US dollars of a LIST request: Amazon S3 Standard in us-east-1, 0.005 for a thousand. */
const USD_PER_LIST = 0.005 / 1000;
const MONTH_MINUTES = 30 * 24 * 60;

/** Sizes of a measurement. */
export interface Amounts {
  readonly workers: number;
  /** Time that a video takes, in which nothing is computed. */
  readonly videoMs: number;
  /** Videos that wait before the workers begin. */
  readonly videosPerWorker: number;
  /** Videos that are ordered one by one, while workers are free. */
  readonly lateOrders: number;
  readonly restMs: number;
}

export interface Measured {
  readonly workers: number;
  readonly perSecond: number;
  readonly requestsPerVideo: number;
  readonly listsPerMinute: number;
  /** Milliseconds from each late order to its start. */
  readonly startMs: readonly number[];
}

/** Measures workers that first make videos which wait, then have nothing to do, and then take videos one by one. */
export async function measure(place: Place, amounts: Amounts): Promise<Measured> {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  try {
    return await measureUntil(place, amounts, stopping.signal);
  } finally {
    stopping.abort();
  }
}

/** Measures workers that go on until the signal aborts. */
async function measureUntil(
  { store: bare, ...ports }: Place,
  { workers, videoMs, videosPerWorker, lateOrders, restMs }: Amounts,
  signal: AbortSignal,
): Promise<Measured> {
  const { clock, random, timers, sleep } = ports;
  const { store, counts } = counted(bare);
  const place = { ...ports, store };
  const jobs = jobStore(place);
  const completed = new Set<string>();
  let ordered = 0;

  async function order(): Promise<JobRef> {
    const createdAt = clock.now();
    const tenant = ordered % 2 === 0 ? "acme" : "other";
    ordered += 1;
    const id = newVideoId(clock, random);
    const times = { createdAt, deadlineAt: createdAt + 3_600_000, expiresAt: createdAt + 86_400_000 };
    await jobs.create({ ...newJob, ...times, id, tenant, webhook: null }, { unfinishedMax: 1000 });
    return { tenant, id };
  }

  const count = workers * videosPerWorker;
  for (let made = 0; made < count; made += 1) await order();
  counts.reset();
  const beganAt = timers.elapsed();
  for (let index = 0; index < workers; index += 1) {
    const onCompleted = ({ id }: JobRef) => completed.add(id);
    const own = { place, owner: `worker-${index}`, videoMs, pauseMsMax: PAUSE_MS_MAX, onCompleted };
    void pullWithStub(own, signal);
  }
  while (completed.size < count) await sleep(10);
  const seconds = (timers.elapsed() - beganAt) / 1000;
  const requests = counts.all();

  // Pauses have grown to their longest before the rest is counted.
  await sleep(2 * PAUSE_MS_MAX);
  counts.reset();
  await sleep(restMs);
  const listsPerMinute = (counts.lists() * 60_000) / restMs;

  const late: JobRef[] = [];
  const share = () => random(1)[0]! / 256;
  for (let made = 0; made < lateOrders; made += 1) {
    late.push(await order());
    await sleep((videoMs / workers) * 2 * (0.5 + share()) + 500 * share());
  }
  while (completed.size < count + lateOrders) await sleep(10);
  const records = await Promise.all(late.map((ref) => jobs.read(ref)));
  return {
    workers,
    perSecond: count / seconds,
    requestsPerVideo: requests / count,
    listsPerMinute,
    startMs: records.map((record) => record!.startedAt! - record!.createdAt),
  };
}

/** Formats videos a second beside those that waiting for the model alone would allow. */
export function rateText({ workers, perSecond }: Measured, videoMs: number): string {
  const ideal = (workers * 1000) / videoMs;
  return `${perSecond.toFixed(2)} of ${ideal} (${Math.round((100 * perSecond) / ideal)} %)`;
}

/** Formats what workers at rest cost: looks a minute, and US dollars a month on Amazon S3. */
export function restTexts({ listsPerMinute }: Measured): [looks: string, dollars: string] {
  return [listsPerMinute.toFixed(0), (listsPerMinute * MONTH_MINUTES * USD_PER_LIST).toFixed(2)];
}

/** Counts the requests to a store. */
function counted(store: ObjectStore) {
  let all = 0;
  let lists = 0;
  const counting = <A extends unknown[], R>(operation: (...args: A) => R, isList = false) => {
    return (...args: A): R => {
      all += 1;
      if (isList) lists += 1;
      return operation(...args);
    };
  };
  return {
    store: {
      ...store,
      get: counting(store.get),
      put: counting(store.put),
      delete: counting(store.delete),
      list: counting(store.list, true),
    },
    counts: {
      all: () => all,
      lists: () => lists,
      reset() {
        all = 0;
        lists = 0;
      },
    },
  };
}
