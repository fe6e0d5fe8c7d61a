import { quotedFacts, resolvedRequestSchema } from "../../lib/generation/request/index.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { leastSeconds, type MeasuredRun, type RunStore } from "../../lib/service/quotes/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { type Log, reasonOf } from "./log.ts";

/**
 * Returns the milliseconds that making a waiting job's video takes at least, or null: no runs of its shape were
 * measured, they cannot be read, or the job has used less than half of its time, so that nobody needs to know.
 */
export type LeastTime = (record: JobRecord) => Promise<number | null>;

export interface LeastTimeOptions {
  /** Measured runs; without them no time is known. */
  readonly runs?: Pick<RunStore, "read"> | undefined;
  /** Kind of this worker, as its runs name it. */
  readonly workerKind: string;
  readonly clock: Clock;
  /** Milliseconds since an arbitrary moment, which measure durations. */
  readonly elapsed: () => number;
  readonly log: Pick<Log, "warn">;
}

type Facts = ReturnType<typeof quotedFacts>;

/** Time for which the runs of a model are not read again, whether they could be read or not. */
const REMEMBERED_MS = 60_000;

/** Opens what one worker knows of the least times of its videos. */
export function leastTime({ runs, workerKind, clock, elapsed, log }: LeastTimeOptions): LeastTime {
  const seen = new Map<string, { readonly runs: readonly MeasuredRun[]; readonly at: number }>();

  async function runsOf(model: string): Promise<readonly MeasuredRun[]> {
    const known = seen.get(model);
    if (known && elapsed() < known.at + REMEMBERED_MS) return known.runs;
    const read = await readable(model);
    seen.set(model, { runs: read, at: elapsed() });
    return read;
  }

  /** Reads the runs of a model. Jobs must not wait for what only saves time, so no error counts as no runs. */
  async function readable(model: string): Promise<readonly MeasuredRun[]> {
    try {
      const read = (await runs?.read(model)) ?? [];
      if (read !== "damaged") return read;
      log.warn({ model }, "the measured runs of a model are damaged: no video is refused for its deadline");
    } catch (error) {
      const reason = reasonOf(error);
      log.warn({ model, reason }, "the measured runs cannot be read: no video is refused for its deadline");
    }
    return [];
  }

  /** Returns what the time of a job depends on; null if its request cannot be read, of which a run says more. */
  function factsOf({ id, params }: JobRecord): Facts | null {
    try {
      return quotedFacts(resolvedRequestSchema.parse(params));
    } catch (error) {
      log.warn({ id, reason: reasonOf(error) }, "how long the video takes at least cannot be told");
      return null;
    }
  }

  return async (record) => {
    const { createdAt, deadlineAt } = record;
    const now = clock.now();
    if (now - createdAt <= (deadlineAt - createdAt) / 2) return null;
    const facts = factsOf(record);
    const seconds =
      facts && leastSeconds(facts, { runs: await runsOf(facts.model), worker: workerKind, now });
    return seconds && seconds * 1000;
  };
}
