import { expect, it } from "vitest";
import { settle } from "../../functions/settle/settle.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

const success = { ref: { tenant: "acme", id: newJob.id }, failure: null };
const failure = { ...success, failure: "The container answered with 500." };

/** Opens a job of `acme` in the queue of a backend. */
async function setUp(backend = { believedMs: 1_800_000, pauseMs: 60_000 }) {
  const { jobs } = openJobs();
  const hinted: [string, string, number | undefined][] = [];
  const hint = (queue: string) => async (ref: JobRef, delay?: number) =>
    void hinted.push([queue, ref.id, delay]);
  await jobs.create(newJob, { unfinishedMax: 10 });
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  const hints = { work: hint("work"), webhooks: hint("webhooks") };
  return { jobs, hinted, deps: { jobs, backend, hints, sleep: async (): Promise<unknown> => undefined } };
}

const claim = { type: "claim", owner: "worker", leaseMs: 60_000 } as const;

it("a job that its run left queued is removed from the backend's queue, and hinted at", async () => {
  const { deps, jobs, hinted } = await setUp();
  const settled = await settle(deps, success);
  expect(settled).toEqual({ outcome: "queued again", record: await jobs.read(newJob) });
  expect(settled.record!.dispatched).toBeNull();
  expect(hinted).toEqual([["work", newJob.id, 0]]);
});

it("a failed run delays the hint by the backend's pause, so that a broken backend is not kept busy", async () => {
  for (const pauseMs of [60_000, 1_000]) {
    const { deps, hinted } = await setUp({ believedMs: 1_800_000, pauseMs });
    await settle(deps, failure);
    expect(hinted).toEqual([["work", newJob.id, pauseMs / 1000]]);
  }
});

it("a failed invocation that is quicker than the dispatch's record is not undone by it", async () => {
  const { deps, jobs, hinted } = await setUp();
  await jobs.apply(newJob, { type: "undispatch" });
  const sleep = () => jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  await settle({ ...deps, sleep }, failure);
  expect((await jobs.read(newJob))!.dispatched).toBeNull();
  expect(hinted).toEqual([["work", newJob.id, 60]]);
});

it("the note of a dispatch that nobody writes is not waited for", async () => {
  const { deps, jobs, hinted } = await setUp({ believedMs: 0, pauseMs: 1_000 });
  await jobs.apply(newJob, { type: "undispatch" });
  await settle({ ...deps, sleep: () => expect.unreachable("Nothing is to be waited for.") }, failure);
  expect(hinted).toEqual([["work", newJob.id, 1]]);
});

it.each([success, failure])("a leased job is left to its lease", async (end) => {
  const { deps, jobs, hinted } = await setUp();
  await jobs.apply(newJob, claim);
  const before = await jobs.read(newJob);
  expect((await settle(deps, end)).outcome).toBe("held");
  expect(await jobs.read(newJob)).toEqual(before);
  expect(hinted).toEqual([]);
});

it("a finished job stays unchanged, and its webhooks are hinted at", async () => {
  const { deps, jobs, hinted } = await setUp();
  await jobs.apply(newJob, { type: "cancel" });
  const before = await jobs.read(newJob);
  expect((await settle(deps, failure)).outcome).toBe("over");
  expect(await jobs.read(newJob)).toEqual(before);
  expect(hinted).toEqual([["webhooks", newJob.id, undefined]]);
});

it("a notification for a forgotten job is ignored", async () => {
  const { deps, jobs, hinted } = await setUp();
  await jobs.apply(newJob, { type: "cancel" });
  await jobs.purge("acme", newJob.createdAt + 1);
  expect((await settle(deps, success)).outcome).toBe("missing");
  expect(hinted).toEqual([]);
});
