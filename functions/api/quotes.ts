import type { Logger } from "pino";
import type { JobStore } from "../../lib/service/jobs/index.ts";
import { type MeasuredRun, type Price, type Range, runStore } from "../../lib/service/quotes/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import { isAhead } from "../../lib/shared/ahead.ts";
import type { Clock, Random, Sleep } from "../../lib/shared/ports.ts";
import { type QueuePositions, queuePositions } from "./queue-positions.ts";

/** Facts about a deployment that its quotes rest on. */
export interface QuoteSettings {
  /** Price of a machine; null if nobody has told it. */
  readonly price: Price | null;
  /** Least and largest number of workers at once. */
  readonly workers: { readonly least: number; readonly most: number };
  /**
   * Seconds that the start of a machine takes where none was observed, and milliseconds after the end of a video after
   * which none runs; null where a worker always runs.
   */
  readonly zero: { readonly coldStart: Range; readonly idleMs: number } | null;
  /** Time since which the worker runs; runs before it do not tell that a model is open. Null where nobody knows. */
  readonly workerSince: number | null;
}

/** Ingredients of quotes: earlier runs, the queue, and the settings. */
export interface Quotes {
  readonly settings: QuoteSettings;
  readonly positions: QueuePositions;
  /** Returns the measured runs of a model, oldest first, as they were some seconds ago at the earliest. */
  runsOf(model: string): Promise<readonly MeasuredRun[]>;
}

export interface QuotesDeps {
  readonly store: ObjectStore;
  readonly jobs: Pick<JobStore, "unfinished">;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** Time for which the runs of a model that were read are not read again. */
const REMEMBERED_MS = 5_000;

/** Quotes of a service about which nothing is set: one worker that always runs, and no price. */
export const PLAIN_QUOTES: QuoteSettings = {
  price: null,
  workers: { least: 1, most: 1 },
  zero: null,
  workerSince: null,
};

export function openQuotes(deps: QuotesDeps, settings: QuoteSettings): Quotes {
  const { store, clock, log } = deps;
  const stored = runStore(store, deps);
  const seen = new Map<string, { runs: Promise<readonly MeasuredRun[]>; at: number }>();
  const reported = new Set<string>();

  /** Reads the runs; damaged ones count as none, which is told once. */
  async function read(model: string): Promise<readonly MeasuredRun[]> {
    const runs = await stored.read(model);
    if (runs !== "damaged") return runs;
    if (!reported.has(model)) log.error({ model }, "the measured runs of a model are damaged and not used");
    reported.add(model);
    return [];
  }

  return {
    settings,
    positions: queuePositions(deps.jobs, clock),
    runsOf(model) {
      const known = seen.get(model);
      if (known && isAhead(known.at + REMEMBERED_MS, clock.now(), REMEMBERED_MS)) return known.runs;
      const begun = { runs: read(model), at: clock.now() };
      // A failed reading is not remembered. There are as many models as the deployment has.
      begun.runs.catch(() => {
        if (seen.get(model) === begun) seen.delete(model);
      });
      seen.set(model, begun);
      return begun.runs;
    },
  };
}
