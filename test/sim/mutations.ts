import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import {
  artifactKey,
  type JobEvent,
  type JobRecord,
  type JobRef,
  type JobStore,
} from "../../lib/service/jobs/index.ts";
import {
  jobKey,
  UNDELIVERED_PREFIX,
  UNFINISHED_PREFIX,
  unfinishedKey,
} from "../../lib/service/jobs/object-keys.ts";
import { transition } from "../../lib/service/jobs/transition.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { RunsClient } from "./runs-queue.ts";
import type { Mutation } from "./simulation.ts";

/**
 * Plausible bugs, inserted where the simulation passes dependencies to the code. A simulation that misses
 * them proves nothing by finding no other bugs.
 */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a worker that was replaced may still end the job": {
    jobs: (jobs) => ({
      ...jobs,
      async apply(ref, event) {
        const applied = await jobs.apply(ref, event);
        const isEnd = event.type === "complete" || event.type === "fail";
        if (applied.ok || !isEnd || !applied.record?.lease) return applied;
        const { attempt, lease } = applied.record;
        return jobs.apply(ref, { ...event, owner: lease.owner, attempt });
      },
    }),
  },
  "records are written over whatever is there": storing(({ put }) => ({
    put: (key, body, options) => put(key, body, key.startsWith("jobs/") ? {} : options),
  })),
  "a job that is over can be canceled": {
    jobs: (jobs, { store }) => ({
      ...jobs,
      async apply(ref, event) {
        const applied = await jobs.apply(ref, event);
        if (event.type !== "cancel" || applied.ok || applied.reason !== "finished") return applied;
        await rewrite(store, jobKey(ref), (record) => ({ ...record, status: "cancelled" }));
        return { ok: true, record: applied.record, isChanged: true };
      },
    }),
  },
  "leases never end": rewriting(async (event, record) => {
    if (event.type === "lose") return null;
    return event.type === "claim" && record.status === "running" ? null : event;
  }),
  "leases are not waited for": rewriting(async (event, { lease }) =>
    event.type === "lose" && lease ? { type: "abandon", owner: lease.owner } : event,
  ),
  "lost workers count as failures of the model": rewriting(async (event, record, now) => {
    if (event.type !== "lose" || !transition(record, event, now).ok) return event;
    const holder = { owner: record.lease!.owner, attempt: record.attempt };
    const error = { code: "worker_lost", message: "The worker was lost." } as const;
    return { type: "fail", ...holder, error, isRetryable: true };
  }),
  "attempts are counted anew when a job is queued again": writing((record) =>
    record.status === "queued" ? { ...record, attempt: 0 } : record,
  ),
  "nothing is said of the end in the write that ends the job": writing((record) => ({
    ...record,
    events: record.events.filter(({ type }) => type !== "video.completed" && type !== "video.failed"),
  })),
  "there is no sweeper": { hasSweeper: false },
  "the marker comes after the record": {
    store(store) {
      let putMarker = async () => {};
      return {
        ...store,
        async put(key, body, options) {
          if (key.startsWith(UNFINISHED_PREFIX)) {
            putMarker = async () => void (await store.put(key, body, options));
            return { ok: true, etag: "" };
          }
          const result = await store.put(key, body, options);
          if (key.startsWith("jobs/")) await putMarker();
          return result;
        },
      };
    },
  },
  "the sweeper takes away markers of creations under way": {
    jobs: (jobs, { store }) => ({
      ...jobs,
      forgetAbandoned: (ref) => store.delete(unfinishedKey(ref)),
    }),
  },
  "a finished job has no marker for its webhooks": storing(({ put }) => ({
    put: async (key, ...rest) =>
      key.startsWith(UNDELIVERED_PREFIX) ? { ok: true, etag: "" } : put(key, ...rest),
  })),
  "the sweeper takes away a marker for webhooks whose time has moved, and writes no other": {
    jobs: (jobs, { process }) =>
      process.name.startsWith("sweeper") ? { ...jobs, markUndelivered: async () => undefined } : jobs,
  },
  "the next marker for webhooks is written after the last one is deleted": {
    store(store) {
      let putMarker = async () => {};
      return {
        ...store,
        async put(key, body, options) {
          if (!key.startsWith(UNDELIVERED_PREFIX)) return store.put(key, body, options);
          putMarker = async () => void (await store.put(key, body, options));
          return { ok: true, etag: "" };
        },
        async delete(key, options) {
          const isDeleted = await store.delete(key, options);
          await putMarker();
          putMarker = async () => {};
          return isDeleted;
        },
      };
    },
  },
  "the sweeper hints at no job": { hints: (hints) => ({ ...hints, work: async () => undefined }) },
  "idempotency keys are forgotten": {
    jobs: (jobs) => ({ ...jobs, create: (job, { unfinishedMax }) => jobs.create(job, { unfinishedMax }) }),
  },
  "a 409 is taken for a success": storing(({ put }) => ({
    async put(...args) {
      const result = await put(...args);
      return !result.ok && result.reason === "conflict" ? { ok: true, etag: "" } : result;
    },
  })),
  "lost answers are not read back": storing(({ get }) => ({
    async get(key) {
      const object = await get(key);
      if (!object || !key.startsWith("jobs/")) return object;
      const stored = JSON.parse(new TextDecoder().decode(object.body));
      return {
        ...object,
        body: new TextEncoder().encode(JSON.stringify({ ...stored, writes: ["another"] })),
      };
    },
  })),
  "all attempts write to one place": {
    worker: { artifactKey: (ref, _attempt, name) => artifactKey(ref, 1, name) },
  },
  "a worker goes on though the job is canceled": { worker: { heedsRefusals: false } },
  "a worker goes on though it cannot renew its lease": { worker: { heedsSilence: false } },
  "a video is held to be late that nobody has measured": {
    worker: { leastTime: async () => 3_600_000 },
  },
  "jobs are served in the order of their creation": { worker: { takesTurns: false } },
  "what one sender has taken is taken by others": {
    jobs: (jobs, { process }) => ({
      ...jobs,
      async read(ref) {
        const record = await jobs.read(ref);
        return record && process.name.startsWith("sender") ? withAllDue(record) : record;
      },
      updateEvents: (ref, change) =>
        jobs.updateEvents(ref, (record) => {
          const changed = change(record);
          return changed.events === record.events ? change(withAllDue(record)) : changed;
        }),
    }),
  },
  "each delivery has an id of its own": {
    post: (post) => {
      let count = 0;
      return (url, { headers, body }) => {
        count += 1;
        const id = `${headers["webhook-id"]}x${count}`;
        return post(url, { headers: { ...headers, "webhook-id": id }, body });
      };
    },
  },
  "the bytes of a webhook are made anew for each delivery": {
    post: (post) => {
      let count = 0;
      return (url, { headers, body }) => {
        count += 1;
        return post(url, { headers, body: body + " ".repeat(count % 2) });
      };
    },
  },
};

/** Bugs that need a deployment. */
export const DEPLOYED_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "there is no sweeper": { hasSweeper: false },
  "an endpoint that is gone is counted on": {
    jobs: (jobs, { endpoint }) => ({
      ...jobs,
      async read(ref) {
        const record = await jobs.read(ref);
        const dispatched = record?.dispatched && { ...record.dispatched, to: endpoint!.name };
        return record && { ...record, dispatched: dispatched ?? null };
      },
    }),
  },
};

/** Bugs of workers that pull, wherever they learn of jobs. */
export const PULLING_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a worker runs a job that it could not claim": {
    jobs: (jobs) => ({
      ...jobs,
      async apply(ref, event) {
        const applied = await jobs.apply(ref, event);
        const isRefused = event.type === "claim" && !applied.ok && applied.record?.status === "running";
        return isRefused ? { ok: true, record: applied.record, isChanged: false } : applied;
      },
    }),
  },
};

/** Bugs of workers that pull their turns from a queue. */
export const QUEUE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...PULLING_MUTATIONS,
  "there is no sweeper": { hasSweeper: false },
  "messages are taken for sent that were not, and nobody looks for them": requesting(
    async (command, send) => {
      if (command instanceof SendMessageCommand) return {};
      return command instanceof GetQueueAttributesCommand
        ? { Attributes: { ApproximateNumberOfMessages: "1" } }
        : send(command);
    },
  ),
};

/** Bugs of workers that look for jobs in the store. */
export const STORE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...PULLING_MUTATIONS,
  "a job that another worker was seen to hold is passed over for ever": {
    worker: {
      remembers() {
        const ids = new Set<string>();
        return { has: ({ id }) => ids.has(id), add: ({ id }) => void ids.add(id) };
      },
    },
  },
};

/** Mutations that only a disk with power cuts can reveal. */
export const DISK_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a version is not synced before it is linked": {
    files: unsynced((flags) => flags === "wx"),
  },
  "a folder is not synced after an entry was added": {
    files: unsynced((flags) => flags === undefined),
  },
  "a new version replaces one of the same number": {
    files: (files) => ({
      ...files,
      async link(existing, path) {
        await files.unlink(path).catch(() => undefined);
        return files.link(existing, path);
      },
    }),
  },
};

/** Ignores `sync` of files and folders that are opened with certain flags. */
function unsynced(isIgnored: (flags: string | undefined) => boolean): NonNullable<Mutation["files"]> {
  return (files) => ({
    ...files,
    async open(path, flags, mode) {
      const file = await files.open(path, flags, mode);
      return isIgnored(flags) ? { ...file, sync: async () => undefined } : file;
    },
  });
}

/** Changes the answers to requests to the queue of runs. */
function requesting(
  change: (command: object, send: (command: object) => Promise<object>) => Promise<object>,
): Mutation {
  return {
    runs: ({ send }) =>
      ({
        send: (command: object) => change(command, send as (command: object) => Promise<object>),
      }) as RunsClient,
  };
}

/** Replaces some operations of the store. */
function storing(change: (store: ObjectStore) => Partial<ObjectStore>): Mutation {
  return { store: (store) => ({ ...store, ...change(store) }) };
}

/** Changes records on their way to the store. */
function writing(change: (record: JobRecord) => JobRecord): Mutation {
  return storing(({ put }) => ({
    put: (key, body, options) => put(key, key.startsWith("jobs/") ? withRecord(body, change) : body, options),
  }));
}

/** Replaces events; null refuses them. */
function rewriting(
  change: (event: JobEvent, record: JobRecord, now: number) => Promise<JobEvent | null>,
): Mutation {
  return {
    jobs: (jobs, { process }) => ({
      ...jobs,
      async apply(ref: JobRef, event: JobEvent): ReturnType<JobStore["apply"]> {
        const record = await jobs.read(ref);
        if (!record) return { ok: false, reason: "missing", record };
        const next = await change(event, record, process.clock.now());
        return next ? jobs.apply(ref, next) : { ok: false, reason: "leased", record };
      },
    }),
  };
}

function withAllDue(record: JobRecord): JobRecord {
  const events = record.events.map((event) => ({
    ...event,
    deliveries:
      event.deliveries?.map((each) =>
        each.state === "pending" ? { ...each, nextAt: 0, takenUntil: null } : each,
      ) ?? null,
  }));
  return { ...record, events };
}

async function rewrite(
  store: ObjectStore,
  key: string,
  change: (record: JobRecord) => JobRecord,
): Promise<void> {
  const object = await store.get(key);
  if (object) await store.put(key, withRecord(object.body, change), { ifMatch: object.etag });
}

function withRecord(body: Uint8Array, change: (record: JobRecord) => JobRecord): Uint8Array {
  const stored = JSON.parse(new TextDecoder().decode(body));
  return new TextEncoder().encode(JSON.stringify({ ...stored, value: change(stored.value) }));
}
