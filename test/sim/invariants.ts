import { createHash } from "node:crypto";
import { isFinished, type JobRecord, type JobStatus } from "../../lib/service/jobs/index.ts";
import { unfinishedKey } from "../../lib/service/jobs/object-keys.ts";
import { FAILURES_MAX, LOSSES_MAX } from "../../lib/service/jobs/transition.ts";
import { runsKey } from "../../lib/service/quotes/index.ts";
import type { ObjectStore, StoredObject } from "../../lib/service/storage/index.ts";
import { CLOCK_SKEW_MS } from "../../lib/shared/ahead.ts";
import type { MemoryStore } from "../service/jobs/memory-store.ts";
import type { Process } from "./network.ts";
import { TurnChecks } from "./turn-checks.ts";

const NEXT: Record<JobStatus, readonly JobStatus[]> = {
  queued: ["queued", "running", "failed", "cancelled"],
  running: ["running", "queued", "completed", "failed", "cancelled"],
  completed: ["completed"],
  failed: ["failed"],
  cancelled: ["cancelled"],
};

/** Fields of a finished job that a deletion may change. */
const CLEARED = {
  params: null,
  history: null,
  inputs: null,
  outputs: null,
  deletedAt: null,
  updatedAt: null,
};

export interface InvariantsOptions {
  /** Objects of the store. */
  readonly objects: Pick<ReadonlyMap<string, StoredObject>, "get" | "has">;
  readonly now: () => number;
  readonly skewMs: number;
  /** Time for which workers may not know that a job waits that they have seen held. */
  readonly blindMs: number;
  readonly violate: (sentence: string) => void;
}

/**
 * Checks every record at the moment it is written by any process, independently of the code under test: S3 to
 * S9 of the list of invariants, and S12 to S14.
 */
export class Invariants {
  /** Current records, by key. */
  readonly records = new Map<string, JobRecord>();
  claims = 0;
  terminal = 0;
  /** Jobs that were failed before their deadline because they could not end any more by it. */
  notBegun = 0;
  readonly #options: InvariantsOptions;
  readonly #turns: TurnChecks;

  constructor(options: InvariantsOptions) {
    const { objects, now, blindMs } = options;
    this.#options = options;
    this.#turns = new TurnChecks({ has: (key) => objects.has(key), now, blindMs });
  }

  /** Wraps a store in memory so that every record written by `process` is checked. */
  watched(store: MemoryStore, process: Process): ObjectStore {
    return {
      ...store,
      put: (key, ...rest) => {
        const before = store.objects.get(key);
        const result = store.put(key, ...rest);
        const object = store.objects.get(key);
        if (object && object !== before) this.written(key, object, process);
        return result;
      },
    };
  }

  /** Forgets writes that a power cut has taken back. */
  takenBack(keys: readonly string[]): void {
    for (const key of keys.filter((each) => each.startsWith("jobs/"))) {
      const object = this.#options.objects.get(key);
      if (object) this.records.set(key, recordIn(object));
      else this.records.delete(key);
    }
  }

  /** Checks an object that a process has just written. */
  written(key: string, object: StoredObject, process: Process): void {
    if (!key.startsWith("jobs/")) return;
    const record = recordIn(object);
    const before = this.records.get(key);
    const check = (holds: boolean, sentence: string) => {
      if (!holds) this.#options.violate(`${sentence} (${record.id}, by ${process.name})`);
    };
    this.records.set(key, record);
    this.#checkAlone(record, check);
    const wrong = this.#turns.written(before, record, process);
    check(wrong === null, wrong ?? "");
    if (before) this.#checkChange(before, record, process, check);
    else {
      // A slow creation writes its marker again later, so only fast ones are checked.
      const isSwift = process.troubledAt < this.#options.now() - CREATION_MS_MAX;
      const isMarked = this.#options.objects.has(unfinishedKey(record));
      check(!isSwift || isMarked, "L1: a record begins with a marker");
      check(record.status === "queued" && record.attempt === 0, "a job begins queued");
      check(!isSwift || this.hasInputs(record), "S13: a record names no picture that is missing");
    }
  }

  /** Returns whether all inputs of a job are there, unchanged. */
  hasInputs({ inputs }: JobRecord): boolean {
    return Object.values(inputs).every(({ key, sha256 }) => {
      const stored = this.#options.objects.get(key);
      return stored !== undefined && createHash("sha256").update(stored.body).digest("hex") === sha256;
    });
  }

  #checkAlone(record: JobRecord, check: Check): void {
    const last = record.events.filter(({ type }) => type === "video.completed" || type === "video.failed");
    const wanted = isFinished(record) ? 1 : 0;
    check(last.length === wanted, "S4: one terminal event in the write that ends a job");
    check((record.lease !== null) === (record.status === "running"), "only running jobs have a lease");
    check(record.failures <= FAILURES_MAX && record.losses <= LOSSES_MAX, "S9: attempts end");
    check(new Set(record.events.map(({ id }) => id)).size === record.events.length, "S7: one id per event");
    for (const { state, nextAt } of record.events.flatMap(({ deliveries }) => deliveries ?? [])) {
      check((nextAt !== null) === (state === "pending"), "only pending deliveries have a next time");
    }
  }

  #checkChange(before: JobRecord, record: JobRecord, process: Process, check: Check): void {
    check(NEXT[before.status].includes(record.status), `S3: ${before.status} -> ${record.status}`);
    check(record.updatedAt >= before.updatedAt, "a record never gets older");
    if (isFinished(before)) {
      const [was, is] = [before, record].map((each) => {
        // Words of the prompt are erased with it.
        const receipt = each.receipt && { ...each.receipt, unknown_words: null };
        return JSON.stringify({ ...each, ...CLEARED, receipt, events: null });
      });
      check(was === is, "S3: a job that is over does not change");
    } else if (isFinished(record)) this.terminal += 1;
    this.#checkHolder(before, record, process, check);
    if (!isFinished(before)) this.#checkRefusal(before, record, check);
    this.#checkEvents(before, record, check);
    if (record.status === "completed" && before.status !== "completed") this.#checkOutputs(record, check);
  }

  #checkHolder(before: JobRecord, record: JobRecord, { name, isAlive }: Process, check: Check): void {
    const isClaimed = record.attempt > before.attempt;
    if (isClaimed) this.claims += 1;
    check(record.attempt - before.attempt === (isClaimed ? 1 : 0), "S5: attempts are counted one by one");
    if (isClaimed) check(record.lease?.owner === name, "S5: one claims for oneself");
    const isHolder = before.lease?.owner === name;
    const isRenewed = !isClaimed && record.lease?.until !== before.lease?.until && record.lease !== null;
    if (isRenewed) check(isHolder, "S5: only the holder renews");
    if (record.status === "completed" && before.status === "running")
      check(isHolder, "S5: only the holder completes");
    if (record.failures > before.failures) check(isHolder, "S9: only its own worker fails a job");
    if (record.losses > before.losses) {
      const { now, skewMs } = this.#options;
      const isOver = now() > before.lease!.until + CLOCK_SKEW_MS - 2 * skewMs;
      check(isOver || this.#isDead(before.lease!.owner), "S5: a lease that runs is not taken");
      check(!isHolder || !isAlive || isClaimed, "S9: a worker does not lose itself");
    }
  }

  #checkRefusal(before: JobRecord, { error, finishedAt, deadlineAt, params }: JobRecord, check: Check): void {
    if (error?.code !== "deadline_exceeded" || finishedAt! >= deadlineAt) return;
    this.notBegun += 1;
    check(before.status === "queued", "S14: a video that is being made is left its time until its deadline");
    const runs = this.#options.objects.get(runsKey(params.model));
    const isMeasured = runs !== undefined && valueIn<{ runs: unknown[] }>(runs).runs.length >= 5;
    check(isMeasured, "S14: a video is refused before its deadline only if runs of its model were measured");
  }

  /** Names of processes that died, set by the simulation. */
  readonly dead = new Set<string>();

  #isDead(owner: string): boolean {
    return this.dead.has(owner);
  }

  #checkEvents(before: JobRecord, record: JobRecord, check: Check): void {
    before.events.forEach((event, index) => {
      const now = record.events[index];
      const isSame = now?.id === event.id && now.type === event.type && now.at === event.at;
      check(isSame, "S7: an event stays what it is");
      check(event.body === null || now?.body === event.body, "S7: the bytes of an event stay the same");
    });
  }

  #checkOutputs(record: JobRecord, check: Check): void {
    const { key, sha256 } = record.outputs!.video;
    const stored = this.#options.objects.get(key);
    check(stored !== undefined, "S6: a completed job has its video");
    check(
      key.split("/").slice(1, 4).join("/") === `${record.tenant}/${record.id}/${record.attempt}`,
      "S6: keys",
    );
    check(!stored || createHash("sha256").update(stored.body).digest("hex") === sha256, "S6: checksums");
  }
}

function recordIn(object: StoredObject): JobRecord {
  return valueIn(object);
}

function valueIn<Value>({ body }: StoredObject): Value {
  return (JSON.parse(new TextDecoder().decode(body)) as { value: Value }).value;
}

/** Limit of a creation's duration, as in the job store. */
const CREATION_MS_MAX = 600_000;

type Check = (holds: boolean, sentence: string) => void;
