import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { doubling, retry } from "../../shared/retry.ts";
import {
  type Change,
  everyKey,
  type ObjectStore,
  RecordError,
  type Records,
  records,
  StoreError,
  type Versioned,
} from "../storage/index.ts";
import { type Claim, claimSchema, takeClaim } from "./claims.ts";
import { invertedTime, videoIdTime } from "./ids.ts";
import {
  artifactsPrefix,
  claimsPrefix,
  jobKey,
  jobsPrefix,
  UNDELIVERED_PREFIX,
  UNFINISHED_PREFIX,
  undeliveredKey,
  unfinishedKey,
  unfinishedPrefix,
} from "./object-keys.ts";
import {
  hasUnsettled,
  isFinished,
  type JobParams,
  type JobRecord,
  type JobRef,
  jobRecordSchema,
  type NewJob,
  queuedJob,
} from "./record.ts";
import { type JobEvent, type Refusal, transition } from "./transition.ts";

export interface CreateOptions {
  readonly claim?: Claim | undefined;
  /** How many unfinished jobs one API key may have, 1 to 1000. Many requests at once may overshoot it a little. */
  readonly unfinishedMax: number;
}

export type Creation =
  | { readonly outcome: "created" | "replayed"; readonly record: JobRecord }
  /** The idempotency key was used for another request. */
  | { readonly outcome: "mismatched" }
  /** The idempotency key's job was deleted at the end of its time, and is not made again. */
  | { readonly outcome: "gone" }
  | { readonly outcome: "queue_full" };

export type Applied =
  | { readonly ok: true; readonly record: JobRecord; readonly isChanged: boolean }
  | { readonly ok: false; readonly reason: Refusal; readonly record: JobRecord }
  | { readonly ok: false; readonly reason: "missing"; readonly record: null };

export interface UnfinishedRef extends JobRef {
  readonly keyId: string;
}

/** Result of a pure function that changes the events of a record, which may be called several times. */
export interface EventsChange<Told> extends Pick<JobRecord, "events"> {
  /** Passed on to the caller of `updateEvents`. To change nothing, `events` is the same object as before. */
  readonly tell?: Told | undefined;
}

/** A page of a tenant's jobs, newest first. */
export interface JobPage {
  readonly records: readonly JobRecord[];
  readonly isTruncated: boolean;
}

/**
 * The jobs of all tenants, in an object store and nowhere else: any number of processes may hold one of these.
 * Everything rejects with StoreError while the store does not answer.
 */
export interface JobStore {
  /** A job that is answered with exists until its retention ends, whatever dies next. */
  create(job: NewJob, options: CreateOptions): Promise<Creation>;
  read(ref: JobRef): Promise<JobRecord | null>;
  /**
   * Applies one event of the transition table to the newest version of the record. The record returned may have
   * changed again since; but a job that was claimed or renewed is held by whoever did it.
   */
  apply(ref: JobRef, event: JobEvent): Promise<Applied>;
  /** Changes what is known of the webhooks, in whatever state the job is; null if there is no such job. */
  updateEvents<Told = never>(
    ref: JobRef,
    change: (record: JobRecord) => EventsChange<Told>,
  ): Promise<{ readonly record: JobRecord; readonly told: Told | undefined } | null>;
  /** @param after id of a video, which need not exist; the page begins with the next older one */
  list(tenant: string, options: { after?: string | undefined; limit: number }): Promise<JobPage>;
  /** Jobs that are not over, oldest first within a key; a few that just ended may be among them. */
  unfinished(): AsyncIterable<UnfinishedRef>;
  /** Finished jobs that somebody may still have to be told of. */
  undelivered(): AsyncIterable<JobRef>;
  /** Moves the marker of a finished job from unfinished to undelivered; doing it again does nothing. */
  markFinished(record: JobRecord): Promise<void>;
  /** Asks the sweeper to see to the job's webhooks until they are settled. */
  markUndelivered(ref: JobRef): Promise<void>;
  /** Takes that marker away if all webhooks of the job are settled. */
  markDelivered(ref: JobRef): Promise<void>;
  /** Takes away the marker that a process leaves when it dies in the middle of a creation; whether there was one. */
  forgetAbandoned(ref: UnfinishedRef): Promise<boolean>;
  /**
   * Deletes a tenant's jobs that are over and were asked for before that time, in milliseconds since 1970, with all
   * that they left, and the claims that are over. A bucket's lifecycle rules do the same.
   *
   * @returns how many jobs
   */
  purge(tenant: string, before: number): Promise<number>;
  /** Deletes videos, posters and whatever attempts that lost left behind. */
  deleteArtifacts(ref: JobRef): Promise<void>;
}

export interface JobStoreDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
  /** Tells whether the API can read the params of a job; the record of a job where it cannot counts as damaged. */
  readonly canReadParams?: (params: JobParams) => boolean;
  /** Told of a record that cannot be read and was passed over, so that one does not hide all others. */
  readonly onDamaged?: (error: RecordError) => void;
}

/** One write of a job's unfinished marker. */
interface Marker {
  readonly at: number;
  readonly etag: string;
}

/** How long a creation may be between its marker and its record before it counts as abandoned. */
const CREATION_MS_MAX = 10 * 60_000;

/** Waits for a record that another process is about to create. */
const CREATION_WAITS = { firstMs: 20, maxMs: 640, count: 6 };

/** Records read at once for a page. */
const READ_AHEAD = 16;

export function jobStore({
  store,
  clock,
  random,
  sleep,
  canReadParams = () => true,
  onDamaged,
}: JobStoreDeps): JobStore {
  const schema = jobRecordSchema.refine(({ params }) => canReadParams(params), {
    path: ["params"],
    error: "cannot be read",
  });
  const jobs = records(store, schema, { random, sleep });
  const claims = records(store, claimSchema, { random, sleep });

  async function read(ref: JobRef): Promise<JobRecord | null> {
    return (await jobs.read(jobKey(ref)))?.value ?? null;
  }

  /** What is under a key of a listing; null where there is nothing any more, or nothing that can be read. */
  async function readListed<T>(from: Records<T>, key: string): Promise<Versioned<T> | null> {
    try {
      return await from.read(key);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      onDamaged?.(error);
      return null;
    }
  }

  async function create(job: NewJob, { claim, unfinishedMax }: CreateOptions): Promise<Creation> {
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
    const record = queuedJob({ ...job, id, createdAt: videoIdTime(id) });
    const isSlow = ({ at }: Marker) => at + CREATION_MS_MAX / 2 <= clock.now();
    // The marker first: a record without one would wait for ever if this process died here.
    let marker = await markUnfinished(record);
    // A process that slept may find that the sweeper took the marker for abandoned.
    while (isSlow(marker)) marker = await markUnfinished(record);
    const created = await jobs.create(jobKey(record), record).catch(async (error: unknown) => {
      if (isRefusal(error)) await store.delete(unfinishedKey(record), { ifMatch: marker.etag });
      throw error;
    });
    if (isSlow(marker)) await markUnfinished(record);
    return created.ok
      ? { outcome: "created", record }
      : { outcome: "replayed", record: created.current.value };
  }

  /**
   * The record that whoever took a claim first is about to write. Null when it does not come: that process died, and
   * the caller takes its creation up. Without the wait a crowd with one key would all write the same objects.
   */
  async function comingRecord(ref: JobRef): Promise<JobRecord | null> {
    return retry(() => read(ref), {
      waits: doubling(CREATION_WAITS),
      sleep,
      // A store that does not answer now may do so in a moment; only the last look tells.
      isRetryable: isUnavailable,
      isDone: (record) => record !== null,
    });
  }

  /** The marker has its time in it, so that it is another object than the one an earlier creation left. */
  async function markUnfinished(ref: UnfinishedRef): Promise<Marker> {
    const at = clock.now();
    return { at, etag: await mark(unfinishedKey(ref), new TextEncoder().encode(`${at}`)) };
  }

  async function mark(key: string, body: Uint8Array): Promise<string> {
    const put = await store.put(key, body);
    if (put.ok) return put.etag;
    throw new StoreError("unavailable", `The marker ${key} cannot be written now; try again.`);
  }

  async function apply(ref: JobRef, event: JobEvent): Promise<Applied> {
    const updated = await jobs.update(jobKey(ref), (record): Change<JobRecord, Refusal> => {
      const next = transition(record, event, clock.now());
      if (!next.ok) return { next: null, tell: next.reason };
      return { next: next.isChanged ? next.record : null };
    });
    if (!updated.ok) return { ok: false, reason: "missing", record: null };
    const { value: record, isChanged, told: refusal } = updated;
    if (refusal) return { ok: false, reason: refusal, record };
    if (isChanged && isFinished(record) && record.deletedAt === null) await markFinished(record);
    // Others may have written after it, before its answer came.
    const holder = event.type === "claim" || event.type === "renew" ? event.owner : null;
    if (holder !== null && record.lease?.owner !== holder) {
      return { ok: false, reason: isFinished(record) ? "finished" : "lease_lost", record };
    }
    return { ok: true, record, isChanged };
  }

  async function markFinished(record: JobRecord): Promise<void> {
    await markUndelivered(record);
    await store.delete(unfinishedKey(record));
  }

  async function markUndelivered(ref: JobRef): Promise<void> {
    await mark(undeliveredKey(ref), random(12));
  }

  async function deleteArtifacts(ref: JobRef): Promise<void> {
    for await (const key of everyKey(store, artifactsPrefix(ref))) await store.delete(key);
  }

  return {
    create,
    read,
    apply,
    markFinished,
    markUndelivered,
    async updateEvents(ref, change) {
      const updated = await jobs.update(jobKey(ref), (record) => {
        const { events, tell } = change(record);
        return { next: events === record.events ? null : { ...record, events }, tell };
      });
      return updated.ok ? { record: updated.value, told: updated.told } : null;
    },
    async list(tenant, { after, limit }) {
      const start = after === undefined ? {} : { after: jobKey({ tenant, id: after }) };
      const { keys, isTruncated } = await store.list(jobsPrefix(tenant), { ...start, limit });
      const found: JobRecord[] = [];
      for (let at = 0; at < keys.length; at += READ_AHEAD) {
        const page = keys.slice(at, at + READ_AHEAD).map((key) => readListed(jobs, key));
        found.push(...(await Promise.all(page)).flatMap((entry) => entry?.value ?? []));
      }
      return { records: found, isTruncated };
    },
    async *unfinished() {
      for await (const key of everyKey(store, UNFINISHED_PREFIX)) {
        const [, tenant, keyId, id] = key.split("/");
        yield { tenant: tenant!, keyId: keyId!, id: id! };
      }
    },
    async *undelivered() {
      for await (const key of everyKey(store, UNDELIVERED_PREFIX)) {
        const [, tenant, id] = key.split("/");
        yield { tenant: tenant!, id: id! };
      }
    },
    async markDelivered(ref) {
      const marker = await store.get(undeliveredKey(ref));
      if (!marker) return;
      const record = await read(ref);
      if (record && hasUnsettled(record)) return;
      // A redelivery that was asked for since has put another marker there.
      await store.delete(undeliveredKey(ref), { ifMatch: marker.etag });
    },
    async forgetAbandoned(ref) {
      const marker = await store.get(unfinishedKey(ref));
      if (!marker) return false;
      const markedAt = Number(new TextDecoder().decode(marker.body));
      if (markedAt + CREATION_MS_MAX > clock.now() || (await read(ref))) return false;
      // A repetition of the request may have taken the creation up again: then it is another marker.
      return store.delete(unfinishedKey(ref), { ifMatch: marker.etag });
    },
    async purge(tenant, before) {
      let purged = 0;
      const after = `${jobsPrefix(tenant)}${invertedTime(before)}`;
      for await (const key of everyKey(store, jobsPrefix(tenant), after)) {
        const record = (await readListed(jobs, key))?.value;
        if (!record || !isFinished(record)) continue;
        await deleteArtifacts(record);
        await store.delete(undeliveredKey(record));
        await store.delete(key);
        purged += 1;
      }
      for await (const key of everyKey(store, claimsPrefix(tenant))) {
        const claim = await readListed(claims, key);
        if (claim && claim.value.expiresAt <= clock.now()) await store.delete(key, { ifMatch: claim.etag });
      }
      return purged;
    },
    deleteArtifacts,
  };
}

/** Nothing was written, and the marker would only count against the key's limit; otherwise it may have been. */
function isRefusal(error: unknown): boolean {
  return error instanceof StoreError && (error.code === "full" || error.code === "denied");
}

function isUnavailable(error: unknown): boolean {
  return error instanceof StoreError && error.code === "unavailable";
}
