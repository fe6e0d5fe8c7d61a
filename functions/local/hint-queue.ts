import type { JobRef } from "../../lib/service/jobs/index.ts";

/** Hints, one for each job at most; they are lost with the process, and the sweeper gives them again. */
export interface HintQueue {
  /** @param at when to look, in milliseconds since 1970; now when left out */
  add(ref: JobRef, at?: number): void;
  /** Takes no more, and resolves when what is under way has ended. */
  close(): Promise<void>;
}

export interface HintQueueOptions {
  /** Looks at one job, and says when to look again; null for never. What it throws is for the sweeper to mend. */
  readonly handle: (ref: JobRef) => Promise<number | null>;
  readonly onError: (error: unknown, ref: JobRef) => void;
  readonly concurrency: number;
}

/** `setTimeout` counts in 32 bits; a later hint wakes up, finds itself early, and sleeps again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Looks at jobs in the order of their hints. A job that is hinted at while it is being looked at is looked at once
 * more, since what changed may have come too late for the first look.
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
    // The look says itself when to come again.
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
