import type { JobRef } from "../../lib/service/jobs/index.ts";

/** Queue of hints in memory, at most one for each job. Hints are lost with the process; the sweeper repeats them. */
export interface HintQueue {
  /** @param at time at which to look at the job, in milliseconds since 1970; now by default */
  add(ref: JobRef, at?: number): void;
  /** Takes no more hints, and resolves when the calls of `handle` under way have ended. */
  close(): Promise<void>;
}

export interface HintQueueOptions {
  /** Looks at a job, and resolves to the time of the next look or to null. Errors are left to the sweeper. */
  readonly handle: (ref: JobRef) => Promise<number | null>;
  readonly onError: (error: unknown, ref: JobRef) => void;
  readonly concurrency: number;
}

/** Limit of `setTimeout`, which counts in 32 bits. A timer of a later hint is set again when it fires. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Makes a queue that looks at jobs in the order of their hints. If a hint arrives while its job is being looked at, the
 * job is looked at once more afterwards, because the first look may have missed the change.
 */
export function hintQueue({ handle, onError, concurrency }: HintQueueOptions): HintQueue {
  const waiting = new Map<string, JobRef>();
  const underWay = new Map<string, Promise<void>>();
  const timers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  let isClosed = false;

  function add(ref: JobRef, at = 0): void {
    if (isClosed) return;
    const name = nameOf(ref);
    const known = timers.get(name);
    if (at > Date.now()) {
      if (known && known.at <= at) return;
      clearTimeout(known?.timer);
      const timer = setTimeout(
        () => {
          timers.delete(name);
          add(ref, at);
        },
        Math.min(at - Date.now(), TIMER_MS_MAX),
      );
      timer.unref();
      timers.set(name, { timer, at });
      return;
    }
    // This look returns the time of the next one, so a timer that is set is no longer needed.
    clearTimeout(known?.timer);
    timers.delete(name);
    waiting.set(name, { tenant: ref.tenant, id: ref.id });
    work();
  }

  function work(): void {
    for (const [name, ref] of waiting) {
      if (isClosed || underWay.size >= concurrency) return;
      if (underWay.has(name)) continue;
      waiting.delete(name);
      underWay.set(name, look(name, ref));
    }
  }

  async function look(name: string, ref: JobRef): Promise<void> {
    try {
      const again = await handle(ref);
      if (again !== null) add(ref, again);
    } catch (error) {
      onError(error, ref);
    } finally {
      underWay.delete(name);
      work();
    }
  }

  return {
    add,
    async close() {
      isClosed = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      await Promise.all(underWay.values());
    },
  };
}

function nameOf({ tenant, id }: JobRef): string {
  return `${tenant}/${id}`;
}
