import { quotedFacts, resolvedRequestSchema } from "../../lib/generation/request/index.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { leastSeconds, type MeasuredRun, type RunStore } from "../../lib/service/quotes/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { type Log, reasonOf } from "./log.ts";

/**
 * Returns the milliseconds that making a waiting job's video takes at least. Returns null if no runs of its shape were
 * measured, if they cannot be read, and before half of the job's time is used, when nobody needs to know.
 */
export type LeastTime = (record: JobRecord) => Promise<number | null>;

export interface LeastTimeOptions {
  /** Measured runs; without them no time is known. */
  readonly runs?: Pick<RunStore, "read"> | undefined;
  /** Kind of this worker, as its runs name it. */
  readonly kind: string;
  readonly clock: Clock;
  /** Milliseconds since an arbitrary moment, which measure durations. */
  readonly elapsed: () => number;
  readonly log: Pick<Log, "warn">;
}

/** Time for which the runs of a model are not read again, whether they could be read or not. */
const REMEMBERED_MS = 60_000;

/** Opens what one worker knows of the least times of its videos. */
export function leastTime({ runs, kind, clock, elapsed, log }: LeastTimeOptions): LeastTime {
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

  return async ({ id, params, createdAt, deadlineAt }) => {
    const now = clock.now();
    if (now - createdAt <= (deadlineAt - createdAt) / 2) return null;
    try {
      const wanted = quotedFacts(resolvedRequestSchema.parse(params));
      const seconds = leastSeconds(wanted, { runs: await runsOf(wanted.model), worker: kind, now });
      return seconds && seconds * 1000;
    } catch (error) {
      // A run says more precisely what is wrong with the request.
      log.warn({ id, reason: reasonOf(error) }, "how long the video takes at least cannot be told");
      return null;
    }
  };
}
