import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import {
  artifactKey,
  type Claim,
  type JobRecord,
  jobStore,
  type NewJob,
  newVideoId,
  sweep,
} from "../../../lib/service/jobs/index.ts";
import {
  jobKey,
  UNDELIVERED_PREFIX,
  undeliveredKey,
  unfinishedKey,
} from "../../../lib/service/jobs/object-keys.ts";
import { RecordError, StoreError } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { dyingAt, intercepted, Killed, losingAnswers } from "./failing-store.ts";
import { type Opened, openJobs } from "./open-jobs.ts";
import { forgotten, NOW, newJob, outputs, receipt } from "./sample-job.ts";

const MINUTE_MS = 60_000;
const claim: Claim = { scope: "5c0", fingerprint: "f1", lifetimeMs: 86_400_000, isFirst: false };

let opened: Opened;

beforeEach(() => {
  opened = openJobs();
});

/** Makes a request for a new job. */
function request(changes: Partial<NewJob> = {}): NewJob {
  return { ...newJob, id: newVideoId(opened.clock, randomBytes), createdAt: opened.clock.now(), ...changes };
}

const limited = { unfinishedMax: 1000 };

async function create(changes: Partial<NewJob> = {}): Promise<JobRecord> {
  const creation = await opened.jobs.create(request(changes), limited);
  if (creation.outcome !== "created") throw new Error(creation.outcome);
  return creation.record;
}

function keys(prefix: string): string[] {
  return [...opened.store.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
}

function runSweep(): ReturnType<typeof sweep> {
  const { jobs, clock } = opened;
  const hints = { work: async () => undefined, webhooks: async () => undefined };
  const onError = (error: unknown) => {
    throw error;
  };
  const isStale = ({ updatedAt }: JobRecord) => updatedAt + MINUTE_MS <= clock.now();
  return sweep({ jobs, clock, hints, isStale, onError });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function settle(record: JobRecord): Promise<void> {
  await opened.jobs.updateEvents(record, ({ events }) => ({
    events: events.map((event) => ({ ...event, deliveries: [] })),
  }));
}

async function cancelled(changes: Partial<NewJob> = {}): Promise<JobRecord> {
  const applied = await opened.jobs.apply(await create(changes), { type: "cancel" });
  return applied.record!;
}

/** Plans one delivery of each event of a job, due at a time. */
async function postpone({ tenant, id }: JobRecord, nextAt: number, jobs = opened.jobs): Promise<void> {
  const delivery = { target: "request", url: "https://acme.example", state: "pending" } as const;
  const rest = { attempts: [], scheduleFrom: 0, takenUntil: null };
  await jobs.updateEvents({ tenant, id }, ({ events }) => ({
    events: events.map((event) => ({ ...event, deliveries: [{ ...delivery, ...rest, nextAt }] })),
  }));
}

function markerOf({ tenant, id, createdAt }: JobRecord, dueAt = createdAt): string {
  return undeliveredKey({ tenant, id, dueAt });
}

describe("creating a job", () => {
  it("a creation stores the job as queued, with a marker for the sweeper", async () => {
    const record = await create();
    expect(record).toMatchObject({ status: "queued", createdAt: NOW, attempt: 0 });
    await expect(opened.jobs.read(record)).resolves.toEqual(record);
    expect(keys("unfinished/")).toEqual([unfinishedKey(record)]);
  });

  it("a creation without a claim makes a job each time", async () => {
    await Promise.all(Array.from({ length: 20 }, () => create()));
    expect(keys("jobs/")).toHaveLength(20);
  });

  it("200 concurrent creations with one claim make one job, and all are answered with it", async () => {
    const creations = await Promise.all(
      Array.from({ length: 200 }, () => opened.jobs.create(request(), { claim, ...limited })),
    );
    expect(keys("jobs/")).toHaveLength(1);
    const ids = creations.map((creation) => ("record" in creation ? creation.record.id : creation.outcome));
    expect(new Set(ids).size).toBe(1);
    expect(creations.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
  });

  it("a repeated creation with its claim is answered with the job's current state", async () => {
    const first = await opened.jobs.create(request(), { claim, ...limited });
    const { record } = first as { record: JobRecord };
    await opened.jobs.apply(record, { type: "cancel" });
    const second = await opened.jobs.create(request(), { claim, ...limited });
    expect(second).toMatchObject({ outcome: "replayed", record: { id: record.id, status: "cancelled" } });
    expect(keys("unfinished/")).toEqual([]);
  });

  it("a creation with the claim of another request changes nothing", async () => {
    await opened.jobs.create(request(), { claim, ...limited });
    const before = new Map(opened.store.objects);
    const other = { ...claim, fingerprint: "f2" };
    await expect(opened.jobs.create(request(), { claim: other, ...limited })).resolves.toEqual({
      outcome: "mismatched",
    });
    expect(opened.store.objects).toEqual(before);
  });

  it("a creation with another tenant's claim makes another job", async () => {
    await opened.jobs.create(request(), { claim, ...limited });
    const other = request({ tenant: "umbrella" });
    await expect(opened.jobs.create(other, { claim, ...limited })).resolves.toMatchObject({
      outcome: "created",
      record: { id: other.id },
    });
  });

  it("a creation after the claim's lifetime makes another job", async () => {
    await opened.jobs.create(request(), { claim, ...limited });
    opened.pass(claim.lifetimeMs);
    const later = request();
    await expect(opened.jobs.create(later, { claim, ...limited })).resolves.toMatchObject({
      record: { id: later.id, createdAt: opened.clock.now() },
    });
  });

  it("a creation that is known to be no repetition makes another job", async () => {
    await opened.jobs.create(request(), { claim, ...limited });
    const first = request();
    await expect(
      opened.jobs.create(first, { claim: { ...claim, isFirst: true }, ...limited }),
    ).resolves.toMatchObject({ outcome: "created", record: { id: first.id } });
    expect(keys("jobs/")).toHaveLength(2);
  });

  it("a creation is refused when the key has too many unfinished jobs, and only for that key", async () => {
    const first = await create();
    await create();
    await create({ keyId: "key2" });
    const two = { unfinishedMax: 2 };
    await expect(opened.jobs.create(request(), two)).resolves.toEqual({ outcome: "queue_full" });
    await expect(opened.jobs.create(request({ keyId: "key" }), two)).resolves.toHaveProperty("record");
    await opened.jobs.apply(first, { type: "cancel" });
    await expect(opened.jobs.create(request(), two)).resolves.toHaveProperty("record");
    expect(keys("jobs/")).toHaveLength(5);
  });

  it("a repeated creation with its claim is answered although the queue is full by now", async () => {
    const one = { claim, unfinishedMax: 1 };
    await opened.jobs.create(request(), one);
    await expect(opened.jobs.create(request(), one)).resolves.toMatchObject({ outcome: "replayed" });
  });
});

describe("a process killed in the middle of a creation", () => {
  /** Kills a creation before and after each of its operations, until it ends without being killed. */
  async function atEveryOperation(check: () => Promise<void>, options: { claim?: Claim }): Promise<void> {
    for (const isDone of [false, true]) {
      for (let operations = 1; ; operations += 1) {
        opened = openJobs();
        const dying = opened.through(dyingAt(opened.store, operations, isDone));
        const end = await dying.create(request(), { ...options, ...limited }).catch((error) => error);
        if (!(end instanceof Killed)) {
          expect(operations).toBeGreaterThan(2);
          break;
        }
        await expectMarked();
        await check();
      }
    }
  }

  /** Expects a marker for every record. */
  async function expectMarked(): Promise<void> {
    for (const key of keys("jobs/")) {
      const { value } = JSON.parse(Buffer.from(opened.store.objects.get(key)!.body).toString());
      expect(opened.store.objects.has(unfinishedKey(value))).toBe(true);
    }
  }

  for (const waitMs of [0, 11 * MINUTE_MS]) {
    const when = waitMs ? "after the sweeper" : "at once";
    it(`a repetition ${when} of a killed creation makes exactly one job`, async () => {
      await atEveryOperation(
        async () => {
          opened.pass(waitMs);
          if (waitMs) await runSweep();
          const again = await opened.jobs.create(request(), { claim, ...limited });
          expect(again).toHaveProperty("record");
          opened.pass(11 * MINUTE_MS);
          await runSweep();
          const { record } = again as { record: JobRecord };
          expect(keys("jobs/")).toEqual([jobKey(record)]);
          expect(keys("unfinished/")).toEqual([unfinishedKey(record)]);
        },
        { claim },
      );
    });
  }

  it("a creation does not begin where the marker cannot be written", async () => {
    const refusing = opened.through(
      intercepted(opened.store, async (name, key, operation) =>
        name === "put" && key.startsWith("un") ? { ok: false, reason: "conflict" } : operation(),
      ),
    );
    await expect(refusing.create(request(), limited)).rejects.toThrow(StoreError);
    expect(keys("jobs/")).toEqual([]);
  });

  it("a killed creation leaves a whole job or, after the sweeper, nothing", async () => {
    await atEveryOperation(async () => {
      const jobs = keys("jobs/").length;
      opened.pass(9 * MINUTE_MS);
      expect((await runSweep()).orphaned).toBe(0);
      opened.pass(2 * MINUTE_MS);
      await runSweep();
      expect(keys("jobs/")).toHaveLength(jobs);
      expect(keys("unfinished/")).toHaveLength(jobs);
    }, {});
  });

  it("a repetition during a sweep of the killed creation does not lose the marker", async () => {
    const dying = opened.through(dyingAt(opened.store, 4, false));
    await expect(dying.create(request(), { claim, ...limited })).rejects.toThrow(Killed);
    expect([keys("unfinished/").length, keys("jobs/").length]).toEqual([1, 0]);
    opened.pass(11 * MINUTE_MS);
    // The request is repeated after the sweeper has decided to delete the marker, and before it is deleted.
    const sweeping = opened.through(
      intercepted(opened.store, async (name, _key, operation) => {
        if (name === "delete") await opened.jobs.create(request(), { claim, ...limited });
        return operation();
      }),
    );
    for await (const ref of sweeping.unfinished()) {
      await expect(sweeping.forgetAbandoned(ref)).resolves.toBe(false);
    }
    expect(keys("jobs/")).toHaveLength(1);
    await expectMarked();
  });

  it("a creation that slept after the marker, and dies with the record, has marked the job again", async () => {
    let isMarked = false;
    const sleeping = opened.through(
      intercepted(opened.store, async (name, key, operation) => {
        const answer = await operation();
        if (name === "put" && key.startsWith("jobs/")) throw new Killed();
        if (name !== "put" || isMarked) return answer;
        isMarked = true;
        opened.pass(15 * MINUTE_MS);
        expect((await runSweep()).orphaned).toBe(1);
        return answer;
      }),
    );
    await expect(sleeping.create(request(), limited)).rejects.toThrow(Killed);
    expect(keys("jobs/")).toHaveLength(1);
    await expectMarked();
  });

  it("a creation that slept between marker and record marks the job again", async () => {
    const sleeping = opened.through(
      intercepted(opened.store, async (name, key, operation) => {
        if (name === "put" && key.startsWith("jobs/")) {
          opened.pass(15 * MINUTE_MS);
          expect((await runSweep()).orphaned).toBe(1);
        }
        return operation();
      }),
    );
    await sleeping.create(request(), limited);
    await expectMarked();
  });
});

describe("an event", () => {
  const leaseMs = MINUTE_MS;

  it("an event for a missing job or another tenant's finds none", async () => {
    const record = await create();
    const missing = { ok: false, reason: "missing", record: null };
    await expect(
      opened.jobs.apply({ tenant: "umbrella", id: record.id }, { type: "cancel" }),
    ).resolves.toEqual(missing);
    await expect(opened.jobs.apply({ tenant: "acme", id: newJob.id }, { type: "cancel" })).resolves.toEqual(
      missing,
    );
  });

  it("a refused event is answered with the record, which stays unchanged", async () => {
    const record = await create();
    await expect(opened.jobs.apply(record, { type: "lose" })).resolves.toEqual({
      ok: false,
      reason: "not_running",
      record,
    });
  });

  it("exactly one of 50 concurrent workers applies an event", async () => {
    const record = await create();
    const claims = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        opened.jobs.apply(record, { type: "claim", owner: `worker${index}`, leaseMs }),
      ),
    );
    const won = claims.filter((claim) => claim.status === "fulfilled" && claim.value.ok);
    expect(won).toHaveLength(1);
    await expect(opened.jobs.read(record)).resolves.toMatchObject({ attempt: 1 });
  });

  it("an event whose answer is lost is applied once, and known to be", async () => {
    const record = await create();
    const losing = opened.through(losingAnswers(opened.store, 1));
    const claimed = await losing.apply(record, { type: "claim", owner: "worker", leaseMs });
    expect(claimed).toMatchObject({ ok: true, isChanged: true, record: { attempt: 1 } });
  });

  it("an event whose answer is lost until somebody else has decided is refused like a late one", async () => {
    const record = await create();
    const overtaken = opened.through(
      intercepted(opened.store, async (name, key, operation) => {
        const answer = await operation();
        if (name !== "put" || !key.startsWith("jobs/")) return answer;
        await opened.jobs.apply(record, { type: "cancel" });
        throw new StoreError("unavailable", "The answer was lost.");
      }),
    );
    const claimed = await overtaken.apply(record, { type: "claim", owner: "worker", leaseMs });
    expect(claimed).toMatchObject({
      ok: false,
      reason: "finished",
      record: { status: "cancelled", attempt: 1 },
    });
  });

  it("an event that ends the job moves its marker to the webhooks", async () => {
    const record = await create();
    await opened.jobs.apply(record, { type: "cancel" });
    expect(keys("un")).toEqual([markerOf(record)]);
  });

  it("a delete does not bring the job's webhooks back", async () => {
    const record = await create();
    await opened.jobs.apply(record, { type: "cancel" });
    await settle(record);
    await expect(opened.jobs.apply(record, { type: "delete", params: forgotten })).resolves.toMatchObject({
      ok: true,
    });
    expect(keys("un")).toEqual([]);
  });

  for (const isDone of [false, true]) {
    it(`an event that ends the job leaves a marker wherever it stops (${isDone ? "after" : "before"} an operation)`, async () => {
      for (let operations = 1; operations <= 4; operations += 1) {
        opened = openJobs();
        const record = await create();
        await opened.jobs.apply(record, { type: "claim", owner: "worker", leaseMs });
        const dying = opened.through(dyingAt(opened.store, operations, isDone));
        const complete = { type: "complete", owner: "worker", attempt: 1, outputs, receipt } as const;
        await expect(dying.apply(record, complete)).rejects.toThrow(Killed);
        const isOver = (await opened.jobs.read(record))?.status === "completed";
        expect(keys("un").length).toBeGreaterThan(0);
        await runSweep();
        expect(keys("un")).toEqual([isOver ? markerOf(record) : unfinishedKey(record)]);
        await expect(opened.jobs.apply(record, complete)).resolves.toMatchObject({ ok: true });
      }
    });
  }

  it("an event rejects while the store does not answer", async () => {
    const record = await create();
    const silent = opened.through(
      intercepted(opened.store, async () => {
        throw new StoreError("unavailable", "The store does not answer.");
      }),
    );
    await expect(silent.apply(record, { type: "cancel" })).rejects.toThrow(StoreError);
    await expect(silent.create(request(), limited)).rejects.toThrow(StoreError);
    await expect(silent.list("acme", { limit: 1 })).rejects.toThrow(StoreError);
  });
});

describe("what is known of webhooks", () => {
  it("an update of webhook events works in every state of the job, and changes nothing else", async () => {
    const record = await create();
    await opened.jobs.apply(record, { type: "cancel" });
    const updated = await opened.jobs.updateEvents(record, ({ events }) => ({
      events: events.map((event) => ({ ...event, body: "{}", deliveries: [] })),
    }));
    expect(updated!.record).toMatchObject({ status: "cancelled", updatedAt: NOW });
    expect(updated!.record.events.map(({ body }) => body)).toEqual(["{}", "{}"]);
    await expect(opened.jobs.read(record)).resolves.toEqual(updated!.record);
  });

  it("an update of webhook events is not written when nothing changes, and not for a missing job", async () => {
    const record = await create();
    const before = new Map(opened.store.objects);
    await expect(opened.jobs.updateEvents(record, (same) => same)).resolves.toEqual({ record });
    const stranger = { tenant: "umbrella", id: record.id };
    await expect(opened.jobs.updateEvents(stranger, () => ({ events: [] }))).resolves.toBeNull();
    expect(opened.store.objects).toEqual(before);
  });

  it("concurrent updates of webhook events are all kept", async () => {
    const record = await create();
    const add = (number: number) =>
      opened.jobs.updateEvents(record, ({ events }) => ({
        events: events.map((event) => ({ ...event, body: `${event.body ?? ""}${number},` })),
      }));
    await Promise.all([add(1), add(2), add(3), add(4)]);
    const body = (await opened.jobs.read(record))!.events[0]!.body!;
    expect(body.split(",").slice(0, -1).sort()).toEqual(["1", "2", "3", "4"]);
  });
});

describe("the marker of a job whose webhooks are not settled", () => {
  it("a marker stays while deliveries are unsettled, and is removed then", async () => {
    const record = await cancelled();
    await opened.jobs.dropUndelivered({ ...record, dueAt: record.createdAt });
    expect(keys("un")).toEqual([markerOf(record)]);
    await settle(record);
    expect(keys("un")).toEqual([]);
  });

  it("a marker follows the next attempt, and is found when its time comes", async () => {
    const record = await cancelled();
    const dueAt = NOW + MINUTE_MS;
    await postpone(record, dueAt);
    expect(keys("un")).toEqual([markerOf(record, dueAt)]);
    opened.pass(MINUTE_MS - 1);
    expect(await collect(opened.jobs.undelivered())).toEqual([]);
    opened.pass(1);
    expect(await collect(opened.jobs.undelivered())).toEqual([{ tenant: "acme", id: record.id, dueAt }]);
  });

  it("a marker is written before a change of the record makes something due earlier", async () => {
    const record = await cancelled();
    const later = NOW + MINUTE_MS;
    await postpone(record, later);
    await opened.jobs.markUndelivered(record, NOW);
    await postpone(record, NOW);
    expect(keys("un")).toEqual([markerOf(record, NOW), markerOf(record, later)]);
    opened.pass(11 * MINUTE_MS);
    await runSweep();
    expect(keys("un")).toEqual([markerOf(record, NOW)]);
  });

  for (const isDone of [false, true]) {
    it(`a marker is never later than its job needs, wherever a sender stops (${isDone ? "after" : "before"} an operation)`, async () => {
      for (let operations = 1; operations <= 6; operations += 1) {
        opened = openJobs();
        const record = await cancelled();
        const dying = opened.through(dyingAt(opened.store, operations, isDone));
        await postpone(record, NOW + MINUTE_MS, dying).catch((error) => expect(error).toBeInstanceOf(Killed));
        const [{ deliveries }] = (await opened.jobs.read(record))!.events as [JobRecord["events"][number]];
        const dueAt = deliveries?.[0]?.nextAt ?? record.createdAt;
        expect(keys("un")[0]! <= markerOf(record, dueAt)).toBe(true);
        opened.pass(10 * MINUTE_MS);
        await runSweep();
        expect(keys("un")).toEqual([markerOf(record, dueAt)]);
      }
    });
  }

  it("a marker of a time that no attempt can have counts as due, because a clock was set back", async () => {
    const record = await cancelled();
    const dueAt = NOW + 30 * 60 * MINUTE_MS;
    await postpone(record, dueAt);
    expect(await collect(opened.jobs.undelivered())).toEqual([{ tenant: "acme", id: record.id, dueAt }]);
  });

  it("a marker of the first versions, whose key has no time, is found and replaced", async () => {
    const tenants = ["0acme", "acme", "17", "zeta"];
    const records = await Promise.all(tenants.map((tenant) => cancelled({ tenant })));
    for (const record of records) {
      await postpone(record, NOW + MINUTE_MS);
      await opened.store.delete(markerOf(record, NOW + MINUTE_MS));
      await opened.store.put(`${UNDELIVERED_PREFIX}${record.tenant}/${record.id}`, new Uint8Array([1]));
    }
    await runSweep();
    expect(keys("un")).toEqual(records.map((record) => markerOf(record, NOW + MINUTE_MS)).sort());
    await Promise.all(records.map(settle));
    for (const { tenant, id } of records)
      await opened.store.put(`${UNDELIVERED_PREFIX}${tenant}/${id}`, new Uint8Array([1]));
    await runSweep();
    expect(keys("un")).toEqual([]);
  });

  it("a marker of a missing or unfinished job is removed by the sweep", async () => {
    await opened.jobs.markUndelivered(newJob, NOW);
    const record = await create();
    await opened.jobs.markUndelivered(record, NOW);
    opened.pass(10 * MINUTE_MS);
    await runSweep();
    expect(keys("undelivered/")).toEqual([]);
  });

  it("a marker of a redelivery under way is left alone, however early the sweep sees it", async () => {
    const record = await cancelled();
    await settle(record);
    await opened.jobs.markUndelivered(record, NOW);
    opened.pass(10 * MINUTE_MS - 1);
    await runSweep();
    expect(keys("un")).toEqual([markerOf(record, NOW)]);
  });

  it("a marker that was renewed since the decision to remove it stays, however late the removal comes", async () => {
    const record = await create();
    await settle(record);
    await opened.jobs.markUndelivered(record, NOW);
    const late = opened.through(
      intercepted(opened.store, async (name, _key, operation) => {
        if (name === "delete") await opened.jobs.markUndelivered(record, NOW);
        return operation();
      }),
    );
    await late.dropUndelivered({ ...record, dueAt: NOW });
    expect(keys("undelivered/")).toEqual([markerOf(record, NOW)]);
  });

  it("a sweep lists no more than a page of markers whose time has not come", async () => {
    for (let index = 0; index < 250; index += 1)
      await opened.jobs.markUndelivered(
        { tenant: "acme", id: newVideoId(opened.clock, randomBytes) },
        NOW + 1 + index,
      );
    const calls: string[] = [];
    const watched = opened.through(
      intercepted(opened.store, async (name, _key, operation) => {
        const result = await operation();
        calls.push(name === "list" ? `list ${(result as { keys: string[] }).keys.length}` : name);
        return result;
      }),
    );
    expect(await collect(watched.undelivered())).toEqual([]);
    expect(calls).toEqual(["list 100", "list 0"]);
  });
});

describe("a list", () => {
  async function createMany(count: number, tenant: string): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      opened.pass(1);
      ids.unshift((await create({ tenant })).id);
    }
    return ids;
  }

  it("a list has the newest jobs first and continues where a page ended", async () => {
    const ids = await createMany(45, "acme");
    const pages: string[][] = [];
    let after: string | undefined;
    for (let isTruncated = true; isTruncated; ) {
      const page = await opened.jobs.list("acme", { after, limit: 20 });
      pages.push(page.records.map(({ id }) => id));
      after = pages.at(-1)!.at(-1);
      ({ isTruncated } = page);
    }
    expect(pages.map((page) => page.length)).toEqual([20, 20, 5]);
    expect(pages.flat()).toEqual(ids);
  });

  it("a list begins after an id that need not exist", async () => {
    await createMany(2, "acme");
    opened.pass(10);
    const between = newVideoId(opened.clock, randomBytes);
    opened.pass(10);
    await createMany(3, "acme");
    const page = await opened.jobs.list("acme", { after: between, limit: 10 });
    expect(page).toMatchObject({ isTruncated: false });
    expect(page.records).toHaveLength(2);
  });

  it("a list is not disturbed by jobs created while it is read", async () => {
    const ids = await createMany(4, "acme");
    const first = await opened.jobs.list("acme", { limit: 2 });
    await createMany(3, "acme");
    const second = await opened.jobs.list("acme", { after: first.records.at(-1)!.id, limit: 2 });
    expect([...first.records, ...second.records].map(({ id }) => id)).toEqual(ids);
  });

  it("a list of one tenant has nothing of another, even of one with a common prefix", async () => {
    const own = await createMany(3, "acme");
    const other = await createMany(3, "acme2");
    for (const [tenant, ids] of [
      ["acme", own],
      ["acme2", other],
      ["acm", []],
    ] as const) {
      const { records } = await opened.jobs.list(tenant, { limit: 100 });
      expect(records.map(({ id }) => id)).toEqual(ids);
    }
    await expect(opened.jobs.read({ tenant: "acme2", id: own[0]! })).resolves.toBeNull();
  });

  it("the lists of unfinished and undelivered jobs have all tenants' jobs", async () => {
    const first = await create();
    const second = await create({ tenant: "umbrella", keyId: "key2" });
    const ended = await create();
    await opened.jobs.apply(ended, { type: "cancel" });
    const { tenant, keyId } = second;
    expect(await collect(opened.jobs.unfinished())).toEqual([
      { tenant: "acme", keyId: "key1", id: first.id },
      { tenant, keyId, id: second.id },
    ]);
    const { id, createdAt: dueAt } = ended;
    expect(await collect(opened.jobs.undelivered())).toEqual([{ tenant: "acme", id, dueAt }]);
  });
});

it("deleting artifacts removes those of all attempts of the job, and of no other job or tenant", async () => {
  const ref = { tenant: "acme", id: newJob.id };
  const other = { tenant: "acme", id: newVideoId(opened.clock, randomBytes) };
  const stranger = { tenant: "acme2", id: newJob.id };
  const kept = [artifactKey(other, 1, "video.mp4"), artifactKey(stranger, 1, "video.mp4")].sort();
  const gone = [1, 2, 12].flatMap((attempt) => [
    artifactKey(ref, attempt, "video.mp4"),
    artifactKey(ref, attempt, "poster.webp"),
  ]);
  for (const key of [...kept, ...gone]) await opened.store.put(key, new Uint8Array([1]));
  await opened.jobs.deleteFiles(ref);
  expect(keys("artifacts/")).toEqual(kept);
});

describe("a damaged record", () => {
  it("a damaged record is reported once, hides no other from a list, and is purged like the others", async () => {
    const { store, clock } = openJobs();
    const damaged: string[] = [];
    const jobs = jobStore({
      store,
      clock,
      random: randomBytes,
      sleep: system.sleep,
      onDamaged: ({ key }) => damaged.push(key),
    });
    const ids = ["0", "1", "2"].map((end) => `${newJob.id.slice(0, -1)}${end}`);
    for (const id of ids) {
      await jobs.create({ ...newJob, id }, { unfinishedMax: 10 });
      await jobs.apply({ tenant: "acme", id }, { type: "cancel" });
    }
    const key = jobKey({ tenant: "acme", id: ids[1]! });
    await store.put(key, new TextEncoder().encode("{"));

    const { records } = await jobs.list("acme", { limit: 10 });
    expect(records.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    await expect(jobs.read({ tenant: "acme", id: ids[1]! })).rejects.toThrow(RecordError);
    await expect(jobs.apply({ tenant: "acme", id: ids[1]! }, { type: "cancel" })).rejects.toThrow(
      RecordError,
    );
    expect(await jobs.purge("acme", newJob.createdAt - 1)).toBe(0);
    expect(await jobs.purge("acme", newJob.createdAt + 1)).toBe(3);
    // The time of its undelivered marker went with the record: the sweep finds it.
    const left = [...store.objects.keys()];
    expect(left.filter((each) => !each.startsWith(UNDELIVERED_PREFIX))).toEqual([]);
    expect(damaged).toEqual([key]);
  });

  it("a damaged record is deleted with its outputs and marker, and no other job loses anything", async () => {
    const { store, jobs } = openJobs();
    const other = { ...newJob, id: `${newJob.id.slice(0, -1)}1` };
    for (const job of [newJob, other]) {
      await jobs.create(job, { unfinishedMax: 10 });
      await store.put(artifactKey(job, 1, "video.mp4"), new Uint8Array(1));
    }
    await store.put(jobKey(newJob), new TextEncoder().encode("null"));
    const before = [...store.objects.keys()];
    for (let time = 0; time < 2; time += 1) await jobs.deleteDamaged(newJob);
    const left = [...store.objects.keys()];
    expect(left).toHaveLength(before.length / 2);
    expect(left.some((key) => key.includes(newJob.id))).toBe(false);
    expect(await jobs.read(newJob)).toBeNull();
    expect(await jobs.read(other)).not.toBeNull();
  });
});

it("a creation that finds the disk full leaves no marker that would count against the key", async () => {
  const { store } = opened;
  const full = opened.through({
    ...store,
    put: async (key, ...rest) => {
      if (key.startsWith("jobs/")) throw new StoreError("full", "The disk is full.");
      return store.put(key, ...rest);
    },
  });
  for (let tries = 0; tries < 3; tries++) {
    await expect(full.create(newJob, { unfinishedMax: 1 })).rejects.toThrow("The disk is full.");
  }
  await expect(opened.jobs.create(newJob, { unfinishedMax: 1 })).resolves.toMatchObject({
    outcome: "created",
  });
});
