import { isAhead, isFromFuture } from "../../shared/ahead.ts";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { doubling, retry } from "../../shared/retry.ts";
import { type ObjectStore, type Records, StoreError } from "../storage/index.ts";
import { type Claim, type ClaimRecord, takeClaim } from "./claims.ts";
import { videoIdTime } from "./ids.ts";
import { creationInputs, inputKeysOf, type NewInput } from "./inputs.ts";
import { type JobMarkers, type Marker, markerBody } from "./markers.ts";
import { jobKey, type UnfinishedRef, unfinishedKey, unfinishedPrefix } from "./object-keys.ts";
import { type JobRecord, type JobRef, type NewJob, queuedJob } from "./record.ts";

export interface CreateOptions {
  readonly claim?: Claim | undefined;
  /** Limit of unfinished jobs of one API key, 1 to 1000. Concurrent requests may exceed it slightly. */
  readonly unfinishedMax: number;
  /**
   * Returns the job's inputs by name. Called once it is known that the job is to be created, and with which id, so that
   * a repetition of a request reads none; its rejection is that of the creation.
   */
  readonly inputs?: ((id: string) => Promise<Readonly<Record<string, NewInput>>>) | undefined;
}

export type Creation =
  | { readonly outcome: "created" | "replayed"; readonly record: JobRecord }
  /** The idempotency key was used with another request. */
  | { readonly outcome: "mismatched" }
  /** The job of the idempotency key was deleted after its retention, and is not made again. */
  | { readonly outcome: "gone" }
  | { readonly outcome: "queue_full" };

export interface JobCreationDeps {
  readonly store: ObjectStore;
  readonly jobs: Records<JobRecord>;
  readonly claims: Records<ClaimRecord>;
  readonly markers: Pick<JobMarkers, "markUnfinished">;
  readonly read: (ref: JobRef) => Promise<JobRecord | null>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
}

/** Longest time between the marker and the record of a creation. After it, the creation counts as abandoned. */
const CREATION_MS_MAX = 10 * 60_000;

/** Schedule of waits for a record that another process is about to create. */
const CREATION_WAITS = { firstMs: 20, maxMs: 640, count: 6 };

/** Makes the part of the job store that creates jobs, and forgets creations that were abandoned. */
export function jobCreation(deps: JobCreationDeps) {
  const { store, jobs, claims, read, clock, random, sleep } = deps;
  const { markUnfinished } = deps.markers;

  const isSlow = ({ at }: Marker) => !isAhead(at + CREATION_MS_MAX / 2, clock.now(), CREATION_MS_MAX / 2);

  /**
   * Waits for the record that the holder of a claim is about to write. Resolves to null if it does not appear: the
   * holder probably died, and the caller creates the job instead. Without the wait, concurrent requests with one
   * idempotency key would all write the same objects.
   */
  async function comingRecord(ref: JobRef): Promise<JobRecord | null> {
    return retry(() => read(ref), {
      waits: doubling(CREATION_WAITS),
      sleep,
      // The store may answer again in a moment, so only the error of the last try is thrown.
      isRetryable: isUnavailable,
      isDone: (record) => record !== null,
    });
  }

  return {
    async create(job: NewJob, { claim, unfinishedMax, inputs }: CreateOptions): Promise<Creation> {
      const held = claim
        ? await takeClaim(claims, clock, job.tenant, claim, job.id)
        : { ok: true, jobId: job.id };
      if (!held.ok) return { outcome: "mismatched" };
      const id = held.jobId;
      if (id !== job.id) {
        const earlier = await comingRecord({ tenant: job.tenant, id });
        if (earlier) return { outcome: "replayed", record: earlier };
        const retentionMs = job.expiresAt - job.createdAt;
        if (videoIdTime(id) + retentionMs <= clock.now()) return { outcome: "gone" };
      }
      const { keys } = await store.list(unfinishedPrefix(job.tenant, job.keyId), { limit: unfinishedMax });
      if (keys.length >= unfinishedMax) return { outcome: "queue_full" };
      const given = (await inputs?.(id)) ?? {};
      const newOwn = () => creationInputs({ tenant: job.tenant, id }, given, { store, random });
      let own = newOwn();
      let record = queuedJob({ ...job, id, createdAt: videoIdTime(id) }, own.described);
      // The marker is written first: a record without one would be found by no sweep if this process died in between.
      let marker = await markUnfinished(record);
      const writeRecord = async () => {
        await own.put();
        // If this process was suspended, the sweeper may have deleted marker and inputs as abandoned.
        while (isSlow(marker)) {
          marker = await markUnfinished(record);
          own = newOwn();
          record = { ...record, inputs: own.described };
          await own.put();
        }
        // A try after a long pause could write the record of a job whose inputs the sweeper has deleted meanwhile.
        return jobs.create(jobKey(record), record, () => isSlow(marker));
      };
      const created = await writeRecord().catch(async (error: unknown) => {
        if (isRefusal(error)) {
          await own.drop();
          await store.delete(unfinishedKey(record), { ifMatch: marker.etag });
        }
        throw error;
      });
      if (isSlow(marker)) await own.put();
      // In a deployment the marker is a hint, which came before the record by the time that the inputs took.
      if (isSlow(marker) || !own.isEmpty) await markUnfinished(record);
      if (!created.ok) await own.drop(created.current.value);
      return created.ok
        ? { outcome: "created", record }
        : { outcome: "replayed", record: created.current.value };
    },

    async forgetAbandoned(ref: UnfinishedRef): Promise<boolean> {
      // Listed first: a creation writes its marker before its inputs, so these are no younger than the marker below.
      const inputs = await inputKeysOf(store, ref);
      const marker = await store.get(unfinishedKey(ref));
      if (!marker) return false;
      const markedAt = Number(new TextDecoder().decode(marker.body));
      const now = clock.now();
      if (isAhead(markedAt + CREATION_MS_MAX, now, CREATION_MS_MAX) || (await read(ref))) return false;
      // With `ifMatch`, the newer marker of a repeated request that resumed the creation is kept.
      const condition = { ifMatch: marker.etag };
      if (!isFromFuture(markedAt, now)) {
        for (const key of inputs) await store.delete(key);
        return store.delete(unfinishedKey(ref), condition);
      }
      // The clock that made the marker was set back, perhaps in the middle of the creation, which gets its time again.
      await store.put(unfinishedKey(ref), markerBody(now), condition);
      return false;
    },
  };
}

/**
 * Returns whether an error means that nothing was written. Then the marker is deleted, because it would only count
 * against the key's limit. After any other error the record may exist.
 */
function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && (error.code === "full" || error.code === "denied");
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.code === "unavailable";
}
