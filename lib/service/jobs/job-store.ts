import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { type Change, type ObjectStore, type RecordError, records, unlessDamaged } from "../storage/index.ts";
import { claimSchema } from "./claims.ts";
import { type CreateOptions, type Creation, jobCreation } from "./creation.ts";
import { jobDeletion } from "./deletion.ts";
import { nextDueAt } from "./due.ts";
import { jobMarkers } from "./markers.ts";
import { jobKey, jobOfKey, jobsPrefix, type UndeliveredRef, type UnfinishedRef } from "./object-keys.ts";
import { oldestKeys } from "./oldest-keys.ts";
import {
  isFinished,
  type JobParams,
  type JobRecord,
  type JobRef,
  jobRecordSchema,
  type NewJob,
} from "./record.ts";
import { tellingOfDamage } from "./telling-of-damage.ts";
import { type JobEvent, type Refusal, transition } from "./transition.ts";

export type Applied =
  | { readonly ok: true; readonly record: JobRecord; readonly isChanged: boolean }
  | { readonly ok: false; readonly reason: Refusal; readonly record: JobRecord }
  | { readonly ok: false; readonly reason: "missing"; readonly record: null };

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
  onDamaged = () => undefined,
}: JobStoreDeps): JobStore {
  const schema = jobRecordSchema.refine(({ params }) => canReadParams(params), {
    path: ["params"],
    error: "cannot be read",
  });
  const telling = tellingOfDamage(onDamaged);
  const jobs = telling(records(store, schema, { random, sleep }));
  const claims = telling(records(store, claimSchema, { random, sleep }));
  const markers = jobMarkers({ store, clock, random, read });
  const { create, forgetAbandoned } = jobCreation({
    store,
    jobs,
    claims,
    markers,
    read,
    clock,
    random,
    sleep,
  });

  async function read(ref: JobRef): Promise<JobRecord | null> {
    return (await jobs.read(jobKey(ref)))?.value ?? null;
  }

  return {
    create,
    read,
    async apply(ref, event) {
      const updated = await jobs.update(jobKey(ref), (record): Change<JobRecord, Refusal> => {
        const next = transition(record, event, clock.now());
        if (!next.ok) return { next: null, tell: next.reason };
        return { next: next.isChanged ? next.record : null };
      });
      if (!updated.ok) return { ok: false, reason: "missing", record: null };
      const { value: record, isChanged, told: refusal } = updated;
      if (refusal) return { ok: false, reason: refusal, record };
      if (isChanged && isFinished(record) && record.deletedAt === null) await markers.markFinished(record);
      // Another writer may have changed the record between this write and its answer.
      const holder = event.type === "claim" || event.type === "renew" ? event.owner : null;
      if (holder !== null && record.lease?.owner !== holder) {
        return { ok: false, reason: isFinished(record) ? "finished" : "lease_lost", record };
      }
      return { ok: true, record, isChanged };
    },
    async updateEvents(ref, change) {
      const updated = await jobs.update(jobKey(ref), (record) => {
        const { events, tell } = change(record);
        const next = events === record.events ? null : { ...record, events };
        return { next, tell: { own: tell, dueAt: nextDueAt(record) } };
      });
      if (!updated.ok) return null;
      const { value: record, isChanged, told } = updated;
      if (isChanged && isFinished(record)) await markers.moveUndelivered(record, told!.dueAt);
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
        const page = keys.slice(at, at + READ_AHEAD).map((key) => jobs.read(key).catch(unlessDamaged));
        for (const read of await Promise.all(page))
          if (read !== null && read !== "damaged") found.push(read.value);
      }
      const last = keys.at(-1);
      return { records: found, lastId: (last && jobOfKey(last)?.id) ?? null, isTruncated };
    },
    ...markers,
    async markUnfinished(ref) {
      await markers.markUnfinished(ref);
    },
    forgetAbandoned,
    ...jobDeletion({ store, jobs, claims, clock }),
  };
}
