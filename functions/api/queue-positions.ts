import type { JobStore } from "../../lib/service/jobs/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";

/** Time for which requests share one listing of the queue. Clients poll, and a listing costs as much as a write. */
const SHARED_MS = 1000;

/** Maximum length of the queue for which positions are shown. */
const SHOWN_MAX = 1000;

/** Positions of jobs in the queue, from a listing that is at most one second old. */
export interface QueuePositions {
  /**
   * Counts the unfinished jobs of all tenants that were created earlier. Resolves to null if there are more
   * than a thousand in total.
   */
  before(id: string): Promise<number | null>;
  /** Adds a newly created job to the current listing. */
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
    // A failed listing is not shared.
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
