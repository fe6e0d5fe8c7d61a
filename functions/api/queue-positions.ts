import type { JobStore } from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";

/** How long one look at the queue serves everybody who asks: clients poll, and a listing costs as much as a write. */
const SHARED_MS = 1000;

/** A longer queue is not counted. */
const SHOWN_MAX = 1000;

/** Where jobs stand in the queue, by a look at it that is a second old at most. */
export interface QueuePositions {
  /** Unfinished jobs, of everybody, that were created before; null where there are more than a thousand in all. */
  before(id: string): Promise<number | null>;
  /** A job that was just created counts at once. */
  joined(id: string): void;
}

interface Look {
  readonly at: number;
  readonly ids: Promise<Set<string>>;
}

export function queuePositions(jobs: Pick<JobStore, "unfinished">, clock: Clock): QueuePositions {
  let look: Look | null = null;

  async function list(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const { id } of jobs.unfinished()) {
      if (ids.add(id).size > SHOWN_MAX) break;
    }
    return ids;
  }

  function newest(): Look {
    if (look && look.at + SHARED_MS > clock.now()) return look;
    const begun: Look = { at: clock.now(), ids: list() };
    // A look that failed is not shared.
    begun.ids.catch(() => {
      if (look === begun) look = null;
    });
    look = begun;
    return begun;
  }

  return {
    async before(id) {
      const ids = await newest().ids;
      if (ids.size > SHOWN_MAX) return null;
      return [...ids].filter((other) => other < id).length;
    },
    joined(id) {
      look?.ids.then(
        (ids) => ids.add(id),
        () => undefined,
      );
    },
  };
}
