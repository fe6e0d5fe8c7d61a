import type { Clock, Random } from "../../shared/ports.ts";
import { everyKey, type ObjectStore, StoreError } from "../storage/index.ts";
import { DELIVERY_WAIT_MS_MAX, nextDueAt } from "./due.ts";
import {
  UNDELIVERED_PREFIX,
  UNFINISHED_PREFIX,
  type UndeliveredRef,
  type UnfinishedRef,
  undeliveredFrom,
  undeliveredKey,
  undeliveredOfKey,
  unfinishedKey,
} from "./object-keys.ts";
import { isFinished, type JobRecord, type JobRef } from "./record.ts";

/** Unfinished marker of a job, as it was written. */
export interface Marker {
  readonly at: number;
  readonly etag: string;
}

/**
 * Markers of jobs: small objects by whose keys a listing finds the unfinished jobs, and those whose webhooks are due,
 * without reading any record. `JobStore` describes the methods that it passes on.
 */
export type JobMarkers = ReturnType<typeof jobMarkers>;

export interface JobMarkersDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly read: (ref: JobRef) => Promise<JobRecord | null>;
}

/** Number of undelivered markers that are listed at once: few, because a sweep stops at the first that is not due. */
const MARKERS_LISTED = 100;

export function jobMarkers({ store, clock, random, read }: JobMarkersDeps) {
  async function mark(key: string, body: Uint8Array): Promise<string> {
    const put = await store.put(key, body);
    if (put.ok) return put.etag;
    throw new StoreError("unavailable", `The marker ${key} cannot be written now; try again.`);
  }

  async function markUndelivered({ tenant, id }: JobRef, dueAt: number): Promise<void> {
    await mark(undeliveredKey({ tenant, id, dueAt }), random(12));
  }

  async function dropUndelivered(ref: UndeliveredRef): Promise<void> {
    const key = undeliveredKey(ref);
    const marker = await store.get(key);
    if (!marker) return;
    const record = await read(ref);
    const dueAt = record && isFinished(record) ? nextDueAt(record) : null;
    if (dueAt !== null && dueAt === ref.dueAt) return;
    // With `ifMatch`, a marker is kept that was written since, as for a redelivery or by the end of the job.
    await store.delete(key, { ifMatch: marker.etag });
  }

  /** Yields the undelivered markers between two texts, in the order of their keys. */
  async function* undeliveredBetween(after?: string, end?: string): AsyncGenerator<UndeliveredRef> {
    for await (const key of everyKey(store, UNDELIVERED_PREFIX, after, MARKERS_LISTED)) {
      if (end !== undefined && key > end) return;
      const marker = undeliveredOfKey(key);
      if (marker) yield marker;
    }
  }

  return {
    /** Writes the unfinished marker. Its body is the time: so each marker has its own ETag, and its age is known. */
    async markUnfinished(ref: UnfinishedRef): Promise<Marker> {
      const at = clock.now();
      return { at, etag: await mark(unfinishedKey(ref), markerBody(at)) };
    },
    async markFinished(record: JobRecord): Promise<void> {
      const dueAt = nextDueAt(record);
      if (dueAt !== null) await markUndelivered(record, dueAt);
      await store.delete(unfinishedKey(record));
    },
    markUndelivered,
    dropUndelivered,
    /**
     * Lets the marker follow a change of the events, which were due at `from` before. It is never later than the time
     * that it stands for: until the new one is written, the sweep finds the old one.
     */
    async moveUndelivered(record: JobRecord, from: number | null): Promise<void> {
      const to = nextDueAt(record);
      if (to !== null && to !== from) await markUndelivered(record, to);
      // A later marker than needed is left to the sweep.
      const isSurpassed = from !== null && (to === null || to > from);
      if (isSurpassed) await dropUndelivered({ tenant: record.tenant, id: record.id, dueAt: from });
    },
    async *unfinished(): AsyncGenerator<UnfinishedRef> {
      for await (const key of everyKey(store, UNFINISHED_PREFIX)) {
        const [, tenant, keyId, id] = key.split("/");
        yield { tenant: tenant!, keyId: keyId!, id: id! };
      }
    },
    async *undelivered({ isAll = false }: { readonly isAll?: boolean } = {}): AsyncGenerator<UndeliveredRef> {
      if (isAll) return yield* undeliveredBetween();
      const now = clock.now();
      yield* undeliveredBetween(undefined, undeliveredFrom(now + 1));
      // Markers of the first versions, which begin with a tenant, are there or here.
      yield* undeliveredBetween(undeliveredFrom(now + DELIVERY_WAIT_MS_MAX + 1));
    },
  };
}

/** Returns the body of an unfinished marker that is written at a time, in milliseconds since 1970. */
export function markerBody(at: number): Uint8Array {
  return new TextEncoder().encode(`${at}`);
}
