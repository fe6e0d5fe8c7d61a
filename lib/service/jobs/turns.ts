import { isFromFuture } from "../../shared/ahead.ts";
import type { Clock, Timers } from "../../shared/ports.ts";
import { type ObjectStore, unlessDamaged } from "../storage/index.ts";
import { videoIdTime } from "./ids.ts";
import type { JobStore } from "./job-store.ts";
import {
  UNFINISHED_PREFIX,
  type UnfinishedRef,
  unfinishedPrefix,
  unfinishedPrefixOfTenant,
} from "./object-keys.ts";
import type { JobRecord, JobRef } from "./record.ts";

/**
 * Chooses whose turn it is. An invocation of a worker is a turn, whatever job it names: the turn goes to the next
 * tenant in cyclic order, there to the next API key, and there to the oldest job. So a backend's own queue may be first
 * in, first out. The markers of unfinished jobs are the only state that workers share; whom it served last, each worker
 * remembers for itself.
 */
export interface Turns {
  /**
   * Yields queued jobs until the caller takes one, the fairest first. Another worker may claim each of them before the
   * caller does. Who was offered a turn comes last in the next one.
   *
   * The named job comes first in the first turn. It comes first, too, if this worker cannot run it, so that it fails in
   * its own invocation, and if its id lies in the future, where it sorts behind all others of its key.
   *
   * @param named job that the invocation names; null if it is missing, or if the worker looks for jobs itself
   * @throws StoreError if the store does not answer
   */
  next(named: JobRecord | null): AsyncGenerator<JobRecord>;
}

export interface TurnsOptions {
  readonly store: Pick<ObjectStore, "list">;
  readonly jobs: Pick<JobStore, "read">;
  readonly clock: Clock;
  /** Returns whether this worker can run a job, for example because it has the model. */
  readonly canRun: (record: JobRecord) => boolean;
  /** Jobs that are not looked at, to which a turn adds those that do not wait for this worker; none by default. */
  readonly passedOver?: PassedOver | undefined;
}

/**
 * Limit of the jobs of one key that a turn reads. The first ones may be running, as many as there are workers. Beyond
 * the limit the key misses a turn, and its jobs are left to their own invocations, or to the next turn of a worker that
 * passes over those that it has seen.
 */
const LOOKS_MAX = 100;

/** Opens the turns of one worker. */
export function fairTurns({ store, jobs, clock, canRun, passedOver }: TurnsOptions): Turns {
  let lastTenant: string | null = null;
  const lastKeys = new Map<string, string>();

  function offered(record: JobRecord): JobRecord {
    lastTenant = record.tenant;
    lastKeys.set(record.tenant, record.keyId);
    return record;
  }

  function comesFirst(named: JobRecord): boolean {
    return lastTenant === null || !canRun(named) || isFromFuture(videoIdTime(named.id), clock.now());
  }

  /** Reads a job, unless it is missing, is damaged, or does not wait for this worker. */
  async function waiting(ref: UnfinishedRef): Promise<JobRecord | null> {
    const record = await jobs.read(ref).catch(unlessDamaged);
    if (record !== "damaged" && record?.status === "queued" && canRun(record)) return record;
    // Without a record, the job is being created.
    if (record !== null) passedOver?.add(ref);
    return null;
  }

  /** Lists the jobs of a key that a turn looks at, oldest first. */
  async function unfinishedOf(tenant: string, keyId: string): Promise<UnfinishedRef[]> {
    const prefix = unfinishedPrefix(tenant, keyId);
    const { keys } = await store.list(prefix, passedOver ? {} : { limit: LOOKS_MAX });
    return keys
      .map((key) => ({ tenant, keyId, id: key.slice(prefix.length) }))
      .filter((ref) => !passedOver?.has(ref))
      .slice(0, LOOKS_MAX);
  }

  /** Yields the names below a prefix in cyclic order, beginning with the one after `last`. */
  async function* namesAfter(prefix: string, last: string | null): AsyncGenerator<string> {
    const seen = new Set<string>();
    let before = last;
    let isLastRound = last === null;
    for (;;) {
      // "0" is the character after "/", so this key sorts right behind all keys of the name.
      const after = before === null ? {} : { after: `${prefix}${before}0` };
      const { keys } = await store.list(prefix, { ...after, limit: 1 });
      const name = keys[0]?.slice(prefix.length).split("/")[0];
      if (name !== undefined && !seen.has(name)) {
        seen.add(name);
        yield name;
        before = name;
      } else if (isLastRound) return;
      else {
        isLastRound = true;
        before = null;
      }
    }
  }

  return {
    async *next(named) {
      if (named?.status === "queued" && comesFirst(named)) yield offered(named);
      for await (const tenant of namesAfter(UNFINISHED_PREFIX, lastTenant)) {
        for await (const keyId of namesAfter(
          unfinishedPrefixOfTenant(tenant),
          lastKeys.get(tenant) ?? null,
        )) {
          for (const ref of await unfinishedOf(tenant, keyId)) {
            const record = await waiting(ref);
            if (record) yield offered(record);
          }
        }
      }
    },
  };
}

/**
 * Sorts unfinished jobs into the order of their turns, as well as it can be told without knowing whom the workers
 * served last: the first jobs of all tenants, then the second ones, and so on, each time the older before the younger.
 * A tenant's own jobs are sorted in the same way by key.
 */
export function inTurnOrder<Job extends UnfinishedRef>(jobs: readonly Job[]): Job[] {
  const byAge = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const byKey = interleaved(byAge, ({ tenant, keyId }) => `${tenant}/${keyId}`);
  return interleaved(byKey, ({ tenant }) => tenant);
}

/** Sorts the first jobs of all groups before the second ones, and so on. Keeps the order within each group. */
function interleaved<Job extends UnfinishedRef>(jobs: readonly Job[], groupOf: (job: Job) => string): Job[] {
  const counts = new Map<string, number>();
  const turns = jobs.map((job) => {
    const group = groupOf(job);
    const turn = counts.get(group) ?? 0;
    counts.set(group, turn + 1);
    return { job, turn };
  });
  return turns.sort((a, b) => a.turn - b.turn || (a.job.id < b.job.id ? -1 : 1)).map(({ job }) => job);
}

/**
 * Jobs that a worker has looked at and cannot run now: others run them, or it lacks their model. It does not read them
 * again for a while, so that looking for work costs the same however many jobs others run.
 */
export interface PassedOver {
  has(ref: JobRef): boolean;
  add(ref: JobRef): void;
}

/** Time for which a job is passed over, and by which a job that is queued again may be found later. */
export const PASSED_OVER_MS = 10_000;

/** Makes the memory of one worker. */
export function passedOver({ elapsed }: Pick<Timers, "elapsed">): PassedOver {
  /** Times until which jobs are passed over, by id: those that end first come first. */
  const until = new Map<string, number>();

  function forgetOld(): void {
    for (const [id, end] of until) {
      if (end > elapsed()) return;
      until.delete(id);
    }
  }

  return {
    has({ id }) {
      forgetOld();
      return until.has(id);
    },
    add({ id }) {
      until.delete(id);
      until.set(id, elapsed() + PASSED_OVER_MS);
    },
  };
}
