import { beforeEach, describe, expect, it } from "vitest";
import { type JobRecord, type JobRef, type SweepReport, sweep } from "../../../lib/service/jobs/index.ts";
import { jobKey, undeliveredKey, unfinishedKey } from "../../../lib/service/jobs/object-keys.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import { CLOCK_SKEW_MS } from "../../../lib/shared/ahead.ts";
import { intercepted } from "./failing-store.ts";
import { type Opened, openJobs } from "./open-jobs.ts";
import { newJob, outputs, receipt } from "./sample-job.ts";

const STALE_MS = 60_000;
const LEASE_MS = 60_000;
const NONE: SweepReport = {
  queued: 0,
  running: 0,
  undelivered: 0,
  resent: 0,
  lost: 0,
  expired: 0,
  orphaned: 0,
  failed: 0,
};

let opened: Opened;
let hinted: string[];
let errors: unknown[];

const hints = {
  work: async ({ id }: JobRef) => void hinted.push(`work ${id.at(-1)}`),
  webhooks: async ({ id }: JobRef) => void hinted.push(`webhooks ${id.at(-1)}`),
};

beforeEach(() => {
  opened = openJobs();
  hinted = [];
  errors = [];
});

function run(changes: Partial<Parameters<typeof sweep>[0]> = {}): Promise<SweepReport> {
  const { jobs, clock } = opened;
  const onError = (error: unknown) => void errors.push(error);
  const isStale = ({ updatedAt }: JobRecord) => updatedAt + STALE_MS <= clock.now();
  return sweep({ jobs, clock, hints, isStale, onError, ...changes });
}

/** Creates a queued job without webhooks to deliver. Its id ends with `name`. */
async function create(name: string): Promise<JobRecord> {
  const id = newJob.id.slice(0, -1) + name;
  const creation = await opened.jobs.create({ ...newJob, id }, { unfinishedMax: 1000 });
  await settle({ tenant: newJob.tenant, id });
  return (creation as { record: JobRecord }).record;
}

async function settle(ref: JobRef): Promise<void> {
  await opened.jobs.updateEvents(ref, ({ events }) => ({
    events: events.map((event) => ({ ...event, deliveries: [] })),
  }));
}

async function claimed(name: string): Promise<JobRecord> {
  const record = await create(name);
  await opened.jobs.apply(record, { type: "claim", owner: "worker", leaseMs: LEASE_MS });
  await settle(record);
  return record;
}

describe("a sweep", () => {
  it("a sweep of an empty store finds nothing", async () => {
    await expect(run()).resolves.toEqual(NONE);
  });

  it("a sweep hints again and again at a queued job that did not change for a while", async () => {
    await create("a");
    opened.pass(STALE_MS - 1);
    await expect(run()).resolves.toEqual({ ...NONE, queued: 1 });
    opened.pass(1);
    await expect(run()).resolves.toEqual({ ...NONE, queued: 1, resent: 1 });
    await expect(run()).resolves.toEqual({ ...NONE, queued: 1, resent: 1 });
    expect(hinted).toEqual(["work a", "work a"]);
  });

  it("a sweep leaves a job with a valid lease alone, and takes it from a silent worker", async () => {
    const record = await claimed("a");
    opened.pass(LEASE_MS + CLOCK_SKEW_MS - 1);
    await expect(run()).resolves.toEqual({ ...NONE, running: 1 });
    opened.pass(1);
    await expect(run()).resolves.toEqual({ ...NONE, queued: 1, lost: 1, resent: 1 });
    expect(hinted).toEqual(["work a"]);
    await expect(opened.jobs.read(record)).resolves.toMatchObject({ status: "queued", losses: 1 });
  });

  it("a sweep ends queued and running jobs at their deadline", async () => {
    const waiting = await create("a");
    const held = await claimed("b");
    opened.pass(newJob.deadlineAt - opened.clock.now());
    await expect(run()).resolves.toEqual({ ...NONE, expired: 2, undelivered: 2 });
    for (const ref of [waiting, held]) {
      await expect(opened.jobs.read(ref)).resolves.toMatchObject({
        status: "failed",
        error: { code: "deadline_exceeded" },
      });
    }
    expect(hinted).toEqual(["webhooks a", "webhooks b"]);
  });

  it("a sweep removes a marker without a record once no creation can be under way", async () => {
    const key = unfinishedKey({ ...newJob });
    await opened.store.put(key, new TextEncoder().encode(`${opened.clock.now()}`));
    opened.pass(599_999);
    await expect(run()).resolves.toEqual(NONE);
    opened.pass(1);
    await expect(run()).resolves.toEqual({ ...NONE, orphaned: 1 });
    expect(opened.store.objects.size).toBe(0);
  });

  it("a sweep hands a finished job, whose marker was left, to the webhooks", async () => {
    const record = await claimed("a");
    const complete = { type: "complete", owner: "worker", attempt: 1, outputs, receipt } as const;
    const unmarked = opened.through(
      intercepted(opened.store, (name, key, operation) =>
        key.startsWith("jobs/") || name === "get" ? operation() : Promise.resolve({ ok: true }),
      ),
    );
    await unmarked.apply(record, complete);
    await expect(run()).resolves.toEqual({ ...NONE, undelivered: 1 });
    expect(hinted).toEqual(["webhooks a"]);
    expect(opened.store.objects.has(unfinishedKey(record))).toBe(false);
    expect(opened.store.objects.has(undeliveredKey({ ...record, dueAt: record.createdAt }))).toBe(true);
  });

  it("a thorough sweep finds webhooks that a clock, which was set back since, has put off", async () => {
    const record = await create("a");
    opened.pass(3_600_000);
    await opened.jobs.apply(record, { type: "cancel" });
    opened.pass(-3_600_000);
    await expect(run()).resolves.toEqual(NONE);
    await expect(run({ isThorough: true })).resolves.toEqual({ ...NONE, undelivered: 1 });
    expect(hinted).toEqual(["webhooks a"]);
  });

  it("a sweep hints at webhooks of unfinished jobs", async () => {
    const record = await create("a");
    await opened.jobs.apply(record, { type: "claim", owner: "worker", leaseMs: LEASE_MS });
    await expect(run()).resolves.toEqual({ ...NONE, running: 1 });
    expect(hinted).toEqual(["webhooks a"]);
  });

  it("a sweep visits all jobs although one cannot be read and another cannot be hinted at", async () => {
    const damaged = await create("a");
    await create("b");
    await create("c");
    await opened.store.put(jobKey(damaged), new TextEncoder().encode("{"));
    opened.pass(STALE_MS);
    const work = async (ref: JobRef) => {
      if (ref.id.endsWith("b")) throw new Error("no queue");
      return hints.work(ref);
    };
    await expect(run({ hints: { ...hints, work } })).resolves.toEqual({
      ...NONE,
      queued: 2,
      resent: 2,
      failed: 2,
    });
    expect(hinted).toEqual(["work c"]);
    expect(errors).toEqual([new Error("no queue")]);
  });

  it("a sweep rejects when the store does not answer at all", async () => {
    const silent = opened.through(
      intercepted(opened.store, async () => {
        throw new StoreError("unavailable", "The store does not answer.");
      }),
    );
    await expect(run({ jobs: silent })).rejects.toThrow(StoreError);
  });

  it("concurrent sweeps have the effect of one", async () => {
    for (const name of ["a", "b", "c", "d"]) await claimed(name);
    opened.pass(LEASE_MS + CLOCK_SKEW_MS + 1);
    const reports = await Promise.all([run(), run(), run()]);
    expect(reports.reduce((sum, { lost }) => sum + lost, 0)).toBe(4);
    const { records } = await opened.jobs.list("acme", { limit: 10 });
    expect(records.map(({ status, losses }) => `${status} ${losses}`)).toEqual(Array(4).fill("queued 1"));
    expect(errors).toEqual([]);
  });
});
