import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type JobRef, jobStore, newVideoId } from "../../../lib/service/jobs/index.ts";
import { type ObjectStore, openStore } from "../../../lib/service/storage/index.ts";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { newJob } from "../../../test/service/jobs/sample-job.ts";
import { table } from "../markdown.ts";
import { quantile } from "../statistics.ts";
import { pullWithStub } from "./stub-worker.ts";

/** Numbers of workers that are compared. */
const WORKERS = [1, 2, 4, 8];
const VIDEO_MS = 500;
const VIDEOS_PER_WORKER = 20;
/** Longest pause between two looks of a worker that waits: that of the GPU function by default. */
const PAUSE_MS_MAX = 2_000;
const REST_MS = 30_000;
const LATE_ORDERS = 40;
/** US dollars of a LIST request: Amazon S3 Standard in us-east-1, 0.005 for a thousand. */
const USD_PER_LIST = 0.005 / 1000;
const MONTH_MINUTES = 30 * 24 * 60;

interface Measured {
  readonly workers: number;
  readonly perSecond: number;
  readonly requestsPerVideo: number;
  readonly listsPerMinute: number;
  readonly startMs: readonly number[];
}

/** Measures workers that pull jobs with a model that only waits, and prints a table. */
export async function runWorkers({ store: url }: { readonly store?: string | undefined }): Promise<void> {
  if (!url) throw new UsageError("Name an empty place in a bucket, as in --store s3://bench/one.");
  const rows: Measured[] = [];
  for (const workers of WORKERS) rows.push(await measure(`${url}/${workers}`, workers));
  const ideal = (workers: number) => (workers * 1000) / VIDEO_MS;
  const lines = rows.map(({ workers, perSecond, requestsPerVideo, listsPerMinute, startMs }) => [
    String(workers),
    `${perSecond.toFixed(2)} of ${ideal(workers)} (${Math.round((100 * perSecond) / ideal(workers))} %)`,
    requestsPerVideo.toFixed(1),
    [0.5, 0.95].map((share) => Math.round(quantile(startMs, share))).join(" / "),
    listsPerMinute.toFixed(0),
    (listsPerMinute * MONTH_MINUTES * USD_PER_LIST).toFixed(2),
  ]);
  const head = [
    "workers",
    "videos a second",
    "requests a video",
    "ms to the start, p50 / p95",
    "looks a minute at rest",
    "USD a month at rest",
  ];
  process.stdout.write(`${table(head, lines)}\n`);
}

async function measure(url: string, workers: number): Promise<Measured> {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  try {
    return await measureUntil(url, workers, stopping.signal);
  } finally {
    stopping.abort();
  }
}

/** Measures workers that go on until the signal aborts. */
async function measureUntil(url: string, workers: number, signal: AbortSignal): Promise<Measured> {
  const { store, counts } = counted(await openStore(url, { signUrl: () => "" }));
  const jobs = jobStore({ store, ...system });
  const completed = new Set<string>();
  let ordered = 0;

  async function order(): Promise<JobRef> {
    const createdAt = Date.now();
    const tenant = ordered % 2 === 0 ? "acme" : "other";
    ordered += 1;
    const id = newVideoId(system.clock, system.random);
    const times = { createdAt, deadlineAt: createdAt + 3_600_000, expiresAt: createdAt + 86_400_000 };
    await jobs.create({ ...newJob, ...times, id, tenant, webhook: null }, { unfinishedMax: 1000 });
    return { tenant, id };
  }

  const count = workers * VIDEOS_PER_WORKER;
  for (let made = 0; made < count; made += 1) await order();
  counts.reset();
  const beganAt = performance.now();
  for (let index = 0; index < workers; index += 1) {
    const onCompleted = ({ id }: JobRef) => completed.add(id);
    const own = { store, owner: `worker-${index}`, videoMs: VIDEO_MS, pauseMsMax: PAUSE_MS_MAX, onCompleted };
    void pullWithStub(own, signal);
  }
  while (completed.size < count) await sleep(10);
  const seconds = (performance.now() - beganAt) / 1000;
  const requests = counts.all();

  // Pauses have grown to their longest before the rest is counted.
  await sleep(2 * PAUSE_MS_MAX);
  counts.reset();
  await sleep(REST_MS);
  const listsPerMinute = (counts.lists() * 60_000) / REST_MS;

  const late: JobRef[] = [];
  for (let made = 0; made < LATE_ORDERS; made += 1) {
    late.push(await order());
    await sleep((VIDEO_MS / workers) * 2 * (0.5 + Math.random()) + 500 * Math.random());
  }
  while (completed.size < count + LATE_ORDERS) await sleep(10);
  const records = await Promise.all(late.map((ref) => jobs.read(ref)));
  return {
    workers,
    perSecond: count / seconds,
    requestsPerVideo: requests / count,
    listsPerMinute,
    startMs: records.map((record) => record!.startedAt! - record!.createdAt),
  };
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
