import type { Logger } from "pino";
import { type Hints, type JobRef, type JobStore, sweep } from "../../lib/service/jobs/index.ts";
import type { ApiKeys } from "../../lib/service/keys/index.ts";
import type { Spending } from "../../lib/service/spending/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { system } from "../../lib/shared/system.ts";
import { type Outage, outageTeller } from "../gpu/outage.ts";
import type { JobNews } from "./job-news.ts";
import type { Metrics } from "./metrics.ts";
import { unattendedWatch } from "./unattended.ts";

export interface SweepsOptions {
  readonly jobs: JobStore;
  readonly spending: Pick<Spending, "purge">;
  readonly keys: Pick<ApiKeys, "list">;
  readonly hints: Hints;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "observeSweep">;
  readonly log: Logger;
  readonly news: JobNews;
  /** Pause between two sweeps. */
  readonly pauseMs: number;
  /** Time for which finished jobs are kept. */
  readonly retentionMs: number;
  /** True if workers of this machine make videos, which need hints. Workers elsewhere look for jobs themselves. */
  readonly hasWorkers: boolean;
  readonly onError: (error: unknown, ref: JobRef) => void;
}

const PURGE_MS = 3_600_000;

/** Time for which the ledgers of spending are kept, each of which is of one day. */
const SPENDING_MS = 2 * 24 * 3_600_000;

/** Sweeps the unfinished jobs and purges the old ones, now and again and again. Returns a function that ends this. */
export function startSweeps(options: SweepsOptions): () => void {
  const { jobs, spending, keys, hints, clock, metrics, log, news, hasWorkers, onError } = options;
  let sweptAt = Number.POSITIVE_INFINITY;
  const isUnattended = unattendedWatch(system.timers);

  async function look(): Promise<void> {
    const now = clock.now();
    // A clock may have been set back before this start, and has been if time runs backwards.
    const isThorough = now < sweptAt;
    sweptAt = now;
    news.beginSweep();
    const isStale = () => hasWorkers;
    const report = await sweep({ jobs, hints, clock, isStale, isThorough, onUnfinished: news.seen, onError });
    metrics.observeSweep(report);
    if (!hasWorkers && isUnattended(report))
      log.warn(
        "videos wait, and nobody makes one: start npm run worker with the store and the models of this service",
      );
    await news.endSweep();
  }

  async function purge(): Promise<void> {
    const tenants = new Set((await keys.list()).map(({ tenant }) => tenant));
    for (const tenant of tenants) {
      await jobs.purge(tenant, clock.now() - options.retentionMs);
      await spending.purge(tenant, clock.now() - SPENDING_MS);
    }
  }

  const outageOf = (what: string) =>
    outageTeller({ log, failing: `${what} failed and is repeated`, ended: `${what} succeeded again` });
  const ends = [
    everyMs(options.pauseMs, look, outageOf("a sweep")),
    everyMs(PURGE_MS, purge, outageOf("a purge")),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Runs `task` now, and again and again with this pause after each run, until the returned function is called. */
function everyMs(pauseMs: number, task: () => Promise<void>, outage: Outage): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  const run = async () => {
    await task().then(outage.ended, outage.failed);
    if (!isEnded) timer = setTimeout(run, pauseMs);
  };
  void run();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
