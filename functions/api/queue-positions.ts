import { inTurnOrder, type JobStore, type UnfinishedRef } from "../../lib/service/jobs/index.ts";
import { isAhead } from "../../lib/shared/ahead.ts";
import type { Clock } from "../../lib/shared/ports.ts";

/** Time for which requests share one listing of the queue. Clients poll, and a listing costs as much as a write. */
const SHARED_MS = 1000;

/** Maximum length of the queue for which positions are shown. */
export const COUNTED_MAX = 1000;

/** Text that sorts after the ids of all jobs. */
const LAST = "~";

/** Positions of jobs in the queue, from a listing that is at most one second old. */
export interface QueuePositions {
  /**
   * Counts the unfinished jobs of all tenants that have their turn before this one, running ones included. It is the
   * order in which one worker would take them; jobs that are created later may still come before. Resolves to null if
   * there are more than a thousand in total.
   */
  before(job: UnfinishedRef): Promise<number | null>;
  /**
   * Counts the same for a job of a key that would be created now; null if more than {@link COUNTED_MAX} are unfinished.
   */
  ahead(of: Pick<UnfinishedRef, "tenant" | "keyId">): Promise<number | null>;
  /** Adds a newly created job to the current listing. */
  joined(job: UnfinishedRef): void;
}

interface Look {
  readonly at: number;
  readonly queue: Promise<Queue>;
}

export function queuePositions(jobs: Pick<JobStore, "unfinished">, clock: Clock): QueuePositions {
  let look: Look | null = null;

  async function list(): Promise<Queue> {
    const queue = new Queue();
    for await (const job of jobs.unfinished()) {
      queue.add(job);
      if (queue.length > COUNTED_MAX) break;
    }
    return queue;
  }

  function newest(): Look {
    if (look && isAhead(look.at + SHARED_MS, clock.now(), SHARED_MS)) return look;
    const begun: Look = { at: clock.now(), queue: list() };
    // A failed listing is not shared.
    begun.queue.catch(() => {
      if (look === begun) look = null;
    });
    look = begun;
    return begun;
  }

  return {
    async before(job) {
      const queue = await newest().queue;
      return queue.length > COUNTED_MAX ? null : queue.before(job);
    },
    async ahead({ tenant, keyId }) {
      const queue = await newest().queue;
      return queue.length > COUNTED_MAX ? null : queue.ahead({ tenant, keyId, id: LAST });
    },
    joined(job) {
      look?.queue.then(
        (queue) => queue.add(job),
        () => undefined,
      );
    },
  };
}

/** Unfinished jobs, sorted once for all requests that ask between two changes. */
class Queue {
  readonly #jobs = new Map<string, UnfinishedRef>();
  #positions: ReadonlyMap<string, number> | null = null;

  get length(): number {
    return this.#jobs.size;
  }

  add({ tenant, keyId, id }: UnfinishedRef): void {
    if (this.#jobs.has(id)) return;
    this.#jobs.set(id, { tenant, keyId, id });
    this.#positions = null;
  }

  /** Returns the number of jobs that would be before this one, which is not added. */
  ahead(job: UnfinishedRef): number {
    return inTurnOrder([...this.#jobs.values(), job]).findIndex(({ id }) => id === job.id);
  }

  /** Returns the number of jobs before this one, which is added if it was created after the listing. */
  before(job: UnfinishedRef): number {
    this.add(job);
    this.#positions ??= new Map(inTurnOrder([...this.#jobs.values()]).map(({ id }, index) => [id, index]));
    return this.#positions.get(job.id)!;
  }
}
