import { waitingLine } from "./waiting-line.ts";

/** Queue of hints in memory, each at most once. Hints are lost with the process; the sweeper repeats them. */
export interface HintQueue<Hint> {
  /** @param at time at which to look, in milliseconds since 1970; now by default */
  add(hint: Hint, at?: number): void;
  /** Takes no more hints, and resolves when the calls of `handle` under way have ended. */
  close(): Promise<void>;
}

export interface HintQueueOptions<Hint> {
  /** Looks at what the hint names; resolves to the time of the next look or to null. Errors are left to the sweeper. */
  readonly handle: (hint: Hint) => Promise<number | null>;
  readonly onError: (error: unknown, hint: Hint) => void;
  /** Returns what the hint names: hints of one name are merged, and never handled at once. */
  readonly nameOf: (hint: Hint) => string;
  /** Returns the groups of a hint, from the outermost to the innermost; none by default. Groups take turns. */
  readonly groupsOf?: (hint: Hint) => readonly string[];
  /** Greatest numbers of looks at once: in all, and then in one group of each level. */
  readonly atOnce: readonly number[];
}

/** Limit of `setTimeout`, which counts in 32 bits. A timer of a later hint is set again when it fires. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Makes a queue that handles hints in the order of their arrival within a group. If a hint arrives while another of its
 * name is being handled, it is handled once more afterwards, because the first look may have missed the change.
 */
export function hintQueue<Hint>({
  handle,
  onError,
  nameOf,
  groupsOf = () => [],
  atOnce,
}: HintQueueOptions<Hint>): HintQueue<Hint> {
  const waiting = waitingLine<Hint>(atOnce);
  const underWay = new Map<string, Promise<void>>();
  /** Hints that arrived while another of their name was being handled. */
  const again = new Map<string, Hint>();
  const timers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  let isClosed = false;

  function add(hint: Hint, at = 0): void {
    if (isClosed) return;
    const name = nameOf(hint);
    const known = timers.get(name);
    if (at > Date.now()) {
      if (known && known.at <= at) return;
      clearTimeout(known?.timer);
      const waitMs = at - Date.now();
      const timer = setTimeout(
        () => {
          timers.delete(name);
          // The wait is over, whatever the clock says that may have been set meanwhile.
          add(hint, waitMs > TIMER_MS_MAX ? at : undefined);
        },
        Math.min(waitMs, TIMER_MS_MAX),
      );
      timer.unref();
      timers.set(name, { timer, at });
      return;
    }
    // This look returns the time of the next one, so a timer that is set is no longer needed.
    clearTimeout(known?.timer);
    timers.delete(name);
    if (underWay.has(name)) again.set(name, hint);
    else waiting.add(groupsOf(hint), name, hint);
    work();
  }

  function work(): void {
    while (!isClosed) {
      const hint = waiting.take();
      if (hint === null) return;
      const name = nameOf(hint);
      underWay.set(name, look(name, hint));
    }
  }

  async function look(name: string, hint: Hint): Promise<void> {
    let next: number | null = null;
    try {
      next = await handle(hint);
    } catch (error) {
      onError(error, hint);
    } finally {
      underWay.delete(name);
      waiting.end(groupsOf(hint));
      const repeated = again.get(name);
      again.delete(name);
      if (next !== null) add(hint, next);
      if (repeated !== undefined) add(repeated);
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
