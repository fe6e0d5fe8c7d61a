import { isAhead, isFromFuture } from "../../shared/ahead.ts";
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
  unlessDamaged,
  type Versioned,
} from "../storage/index.ts";
import { type Claim, claimSchema, isOver, takeClaim } from "./claims.ts";
import { DELIVERY_WAIT_MS_MAX, nextDueAt } from "./due.ts";
import { invertedTime, videoIdTime } from "./ids.ts";
import { creationInputs, inputKeysOf, type NewInput, purgeInputs } from "./inputs.ts";
import {
  artifactsPrefix,
  claimsPrefix,
  inputsPrefix,
  jobKey,
  jobOfKey,
  jobsPrefix,
  UNDELIVERED_PREFIX,
  UNFINISHED_PREFIX,
  type UndeliveredRef,
  undeliveredFrom,
  undeliveredKey,
  undeliveredOfKey,
  unfinishedKey,
  unfinishedPrefix,
  unfinishedPrefixOfTenant,
} from "./object-keys.ts";
import { oldestKeys } from "./oldest-keys.ts";
import {
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

export interface ListJobsOptions {
  /** Id of a video, which need not exist. The page begins with the next one in the order. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** Order by creation, `desc` by default. `asc` costs more requests to the store: see `oldestKeys`. */
  readonly order?: "asc" | "desc" | undefined;
}

/** Page of a tenant's jobs. */
export interface JobPage {
  readonly records: readonly JobRecord[];
  /** Id of the last job of the page, whose record may be damaged; null if there is none. */
  readonly lastId: string | null;
  readonly isTruncated: boolean;
}

/**
 * Store of the jobs of all tenants. All state is in the object store, so any number of processes may open one. Methods
 * reject with StoreError if the object store does not answer, and with RecordError for a damaged record.
 */
export interface JobStore {
  /**
   * Creates a job, or finds the job that already holds the claim. A job that is returned is durable: it exists until
   * its retention ends, even if this process dies next. So do its inputs, which are stored before its record.
   */
  create(job: NewJob, options: CreateOptions): Promise<Creation>;
  read(ref: JobRef): Promise<JobRecord | null>;
  /**
   * Applies one event of the transition table to the newest version of the record. The record may have changed again by
   * the time it is returned. A claim or renewal is ok only if its owner still holds the job in the record returned.
   */
  apply(ref: JobRef, event: JobEvent): Promise<Applied>;
  /**
   * Changes the webhook events of a job in any state. Resolves to null if there is no such job. The undelivered
   * marker of a finished job follows. Before a change that makes something due earlier, the caller writes the marker
   * of that time.
   */
  updateEvents<Told = never>(
    ref: JobRef,
    change: (record: JobRecord) => EventsChange<Told>,
  ): Promise<{ readonly record: JobRecord; readonly told: Told | undefined } | null>;
  /** Lists jobs, newest first unless told otherwise. Damaged records are skipped. */
  list(tenant: string, options: ListJobsOptions): Promise<JobPage>;
  /** Yields unfinished jobs, oldest first within an API key. A few that have just finished may be among them. */
  unfinished(): AsyncIterable<UnfinishedRef>;
  /**
   * Yields the undelivered markers whose time has come, and those of a time that no marker can have.
   *
   * @param options.isAll yields all markers, because their times mean nothing after a clock was set back
   */
  undelivered(options?: { readonly isAll?: boolean }): AsyncIterable<UndeliveredRef>;
  /** Writes the unfinished marker of a queued job again, which hints at the job in a deployment. */
  markUnfinished(ref: UnfinishedRef): Promise<void>;
  /** Replaces the unfinished marker of a finished job by an undelivered marker. May be repeated. */
  markFinished(record: JobRecord): Promise<void>;
  /**
   * Writes an undelivered marker, which makes the sweeper look at the job's webhooks from a time on.
   *
   * @param dueAt milliseconds since 1970
   */
  markUndelivered(ref: JobRef, dueAt: number): Promise<void>;
  /** Deletes an undelivered marker, unless its job is finished and its time is the one that the job's webhooks need. */
  dropUndelivered(marker: UndeliveredRef): Promise<void>;
  /**
   * Deletes the unfinished marker of a creation that was abandoned, and the inputs that it stored: the process died
   * between marker and record.
   *
   * @returns whether a marker was deleted
   */
  forgetAbandoned(ref: UnfinishedRef): Promise<boolean>;
  /**
   * Deletes a tenant's finished jobs that were created before a time, and those whose records are damaged, with their
   * files and markers, inputs of that age without a job, and the tenant's expired claims. In a bucket, lifecycle rules
   * do this.
   *
   * @param before milliseconds since 1970
   * @returns number of jobs deleted
   */
  purge(tenant: string, before: number): Promise<number>;
  /** Deletes all outputs of a job, those of lost attempts included, and its inputs. */
  deleteFiles(ref: JobRef): Promise<void>;
  /**
   * Deletes a job whose record cannot be read: its files, its markers and the record. May be repeated. A repetition
   * of the request with its idempotency key makes the job again, because no record forbids it.
   */
  deleteDamaged(ref: JobRef): Promise<void>;
}

export interface JobStoreDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
  /** Returns whether the API can read the params of a job, by default true. Otherwise its record counts as damaged. */
  readonly canReadParams?: (params: JobParams) => boolean;
  /** Called with the error of a damaged record when it is met, once for each record. */
  readonly onDamaged?: (error: RecordError) => void;
}

/** Unfinished marker of a job, as it was written. */
interface Marker {
  readonly at: number;
  readonly etag: string;
}

/** Longest time between the marker and the record of a creation. After it, the creation counts as abandoned. */
const CREATION_MS_MAX = 10 * 60_000;

/** Schedule of waits for a record that another process is about to create. */
const CREATION_WAITS = { firstMs: 20, maxMs: 640, count: 6 };

/** Number of undelivered markers that are listed at once: few, because a sweep stops at the first that is not due. */
const MARKERS_LISTED = 100;

/** Number of damaged records that are remembered as reported. */
const REPORTED_MAX = 1000;

/** Number of records that a page reads at once. */
const READ_AHEAD = 16;

/**
 * Opens the job store in an object store.
 *
 * @example
 * const { clock, random } = system;
 * const jobs = jobStore({ store, ...system });
 * const now = clock.now();
 * const job = {
 *   id: newVideoId(clock, random),
 *   tenant: "default",
 *   keyId: "k1",
 *   createdAt: now,
 *   deadlineAt: now + 3_600_000,
 *   expiresAt: now + 86_400_000,
 *   params: { model: "demo" },
 *   metadata: {},
 *   remixedFrom: null,
 *   webhook: null,
 * };
 * await jobs.create(job, { unfinishedMax: 100 }); // { outcome: "created", record }
 * await jobs.apply(job, { type: "claim", owner: "worker-1", leaseMs: 15_000 }); // { ok: true, record, ... }
 */
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
  const jobs = reporting(records(store, schema, { random, sleep }));
  const claims = reporting(records(store, claimSchema, { random, sleep }));
  const reported = new Set<string>();

  /** Tells of damaged records, of each once: sweeps and listings meet them again and again. */
  function reporting<T>(from: Records<T>): Records<T> {
    const report = (error: unknown): never => {
      if (error instanceof RecordError && !reported.has(error.key)) {
        if (reported.size >= REPORTED_MAX) reported.clear();
        reported.add(error.key);
        onDamaged?.(error);
      }
      throw error;
    };
    return {
      read: (key) => from.read(key).catch(report),
      create: (...args) => from.create(...args).catch(report),
      update: (key, change) => from.update(key, change).catch(report),
    };
  }

  async function read(ref: JobRef): Promise<JobRecord | null> {
    return (await jobs.read(jobKey(ref)))?.value ?? null;
  }

  /** Reads the record under a listed key; null if it was deleted since or is damaged. */
  async function readListed<T>(from: Records<T>, key: string): Promise<Versioned<T> | null> {
    const found = await from.read(key).catch(unlessDamaged);
    return found === "damaged" ? null : found;
  }

  async function create(job: NewJob, { claim, unfinishedMax, inputs }: CreateOptions): Promise<Creation> {
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
    const isSlow = ({ at }: Marker) => !isAhead(at + CREATION_MS_MAX / 2, clock.now(), CREATION_MS_MAX / 2);
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
  }

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

  /** Writes the unfinished marker. Its body is the time, so that each marker has its own ETag and its age is known. */
  async function markUnfinished(ref: UnfinishedRef): Promise<Marker> {
    const at = clock.now();
    return { at, etag: await mark(unfinishedKey(ref), markerBody(at)) };
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
    // Another writer may have changed the record between this write and its answer.
    const holder = event.type === "claim" || event.type === "renew" ? event.owner : null;
    if (holder !== null && record.lease?.owner !== holder) {
      return { ok: false, reason: isFinished(record) ? "finished" : "lease_lost", record };
    }
    return { ok: true, record, isChanged };
  }

  async function markFinished(record: JobRecord): Promise<void> {
    const dueAt = nextDueAt(record);
    if (dueAt !== null) await markUndelivered(record, dueAt);
    await store.delete(unfinishedKey(record));
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

  /**
   * Lets the marker follow a change of the events, which were due at `from` before. It is never later than the time
   * that it stands for: until the new one is written, the sweep finds the old one.
   */
  async function moveUndelivered(record: JobRecord, from: number | null): Promise<void> {
    const to = nextDueAt(record);
    if (to !== null && to !== from) await markUndelivered(record, to);
    // A later marker than needed is left to the sweep.
    const isSurpassed = from !== null && (to === null || to > from);
    if (isSurpassed) await dropUndelivered({ tenant: record.tenant, id: record.id, dueAt: from });
  }

  /** Yields the undelivered markers between two texts, in the order of their keys. */
  async function* undeliveredBetween(after?: string, end?: string): AsyncGenerator<UndeliveredRef> {
    for await (const key of everyKey(store, UNDELIVERED_PREFIX, after, MARKERS_LISTED)) {
      if (end !== undefined && key > end) return;
      const marker = undeliveredOfKey(key);
      if (marker) yield marker;
    }
  }

  async function deleteFiles(ref: JobRef): Promise<void> {
    for (const prefix of [artifactsPrefix(ref), inputsPrefix(ref)])
      for await (const key of everyKey(store, prefix)) await store.delete(key);
  }

  async function deleteDamaged(ref: JobRef): Promise<void> {
    await deleteFiles(ref);
    // The sweep removes the undelivered marker, whose time only the record told.
    // The API key that names the unfinished marker's folder cannot be read either.
    for await (const key of everyKey(store, unfinishedPrefixOfTenant(ref.tenant)))
      if (key.endsWith(`/${ref.id}`)) await store.delete(key);
    await store.delete(jobKey(ref));
  }

  return {
    create,
    read,
    apply,
    async markUnfinished(ref) {
      await markUnfinished(ref);
    },
    markFinished,
    markUndelivered,
    dropUndelivered,
    async updateEvents(ref, change) {
      const updated = await jobs.update(jobKey(ref), (record) => {
        const { events, tell } = change(record);
        const next = events === record.events ? null : { ...record, events };
        return { next, tell: { own: tell, dueAt: nextDueAt(record) } };
      });
      if (!updated.ok) return null;
      const { value: record, isChanged, told } = updated;
      if (isChanged && isFinished(record)) await moveUndelivered(record, told!.dueAt);
      return { record, told: told!.own };
    },
    async list(tenant, { after, limit, order }) {
      const start = after === undefined ? {} : { after: jobKey({ tenant, id: after }) };
      const { keys, isTruncated } =
        order === "asc"
          ? await oldestKeys(store, tenant, { after, limit })
          : await store.list(jobsPrefix(tenant), { ...start, limit });
      const found: JobRecord[] = [];
      for (let at = 0; at < keys.length; at += READ_AHEAD) {
        const page = keys.slice(at, at + READ_AHEAD).map((key) => readListed(jobs, key));
        found.push(...(await Promise.all(page)).flatMap((entry) => entry?.value ?? []));
      }
      const last = keys.at(-1);
      return { records: found, lastId: (last && jobOfKey(last)?.id) ?? null, isTruncated };
    },
    async *unfinished() {
      for await (const key of everyKey(store, UNFINISHED_PREFIX)) {
        const [, tenant, keyId, id] = key.split("/");
        yield { tenant: tenant!, keyId: keyId!, id: id! };
      }
    },
    async *undelivered({ isAll = false } = {}) {
      if (isAll) return yield* undeliveredBetween();
      const now = clock.now();
      yield* undeliveredBetween(undefined, undeliveredFrom(now + 1));
      // Markers of the first versions, which begin with a tenant, are there or here.
      yield* undeliveredBetween(undeliveredFrom(now + DELIVERY_WAIT_MS_MAX + 1));
    },
    async forgetAbandoned(ref) {
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
    async purge(tenant, before) {
      let purged = 0;
      const after = `${jobsPrefix(tenant)}${invertedTime(before)}`;
      for await (const key of everyKey(store, jobsPrefix(tenant), after)) {
        const ref = jobOfKey(key);
        if (!ref) continue;
        const found = await jobs.read(key).catch(unlessDamaged);
        if (found === "damaged") {
          await deleteDamaged(ref);
        } else {
          if (!found || !isFinished(found.value)) continue;
          await deleteFiles(ref);
          const dueAt = nextDueAt(found.value);
          if (dueAt !== null) await store.delete(undeliveredKey({ ...ref, dueAt }));
          await store.delete(key);
        }
        purged += 1;
      }
      const isThere = async (ref: JobRef) => (await jobs.read(jobKey(ref)).catch(unlessDamaged)) !== null;
      await purgeInputs(store, tenant, { before, isThere });
      for await (const key of everyKey(store, claimsPrefix(tenant))) {
        const claim = await readListed(claims, key);
        if (claim && isOver(claim.value, clock.now())) await store.delete(key, { ifMatch: claim.etag });
      }
      return purged;
    },
    deleteFiles,
    deleteDamaged,
  };
}

function markerBody(at: number): Uint8Array {
  return new TextEncoder().encode(`${at}`);
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
