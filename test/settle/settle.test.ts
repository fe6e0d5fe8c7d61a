import { expect, it } from "vitest";
import { settle } from "../../functions/settle/settle.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { jobLocation, MessageError } from "../../lib/service/queue/index.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

const storeUrl = "s3://videos";
const success = { inputLocation: jobLocation(storeUrl, newJob), failureReason: null };
const failure = { ...success, failureReason: "The container answered with 500." };

/** A job of `acme` in the queue of an endpoint. */
async function setUp() {
  const { jobs } = openJobs();
  const hinted: [string, string, number | undefined][] = [];
  const hint = (queue: string) => async (ref: JobRef, delay?: number) =>
    void hinted.push([queue, ref.id, delay]);
  await jobs.create(newJob, { unfinishedMax: 10 });
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  const hints = { work: hint("work"), webhooks: hint("webhooks") };
  return { jobs, hinted, deps: { jobs, storeUrl, hints, sleep: async (): Promise<unknown> => undefined } };
}

const claim = { type: "claim", owner: "worker", leaseMs: 60_000 } as const;

it("a job that its invocation left queued is removed from the endpoint's queue, and hinted at", async () => {
  const { deps, jobs, hinted } = await setUp();
  expect(await settle(deps, success)).toEqual({
    ref: { tenant: "acme", id: newJob.id },
    outcome: "queued again",
  });
  expect((await jobs.read(newJob))!.dispatched).toBeNull();
  expect(hinted).toEqual([["work", newJob.id, 0]]);
});

it("a failed invocation delays the hint by a minute, so that a broken container is not kept busy", async () => {
  const { deps, hinted } = await setUp();
  await settle(deps, failure);
  expect(hinted).toEqual([["work", newJob.id, 60]]);
});

it("a failed invocation that is quicker than the dispatch's record is not undone by it", async () => {
  const { deps, jobs, hinted } = await setUp();
  await jobs.apply(newJob, { type: "undispatch" });
  const sleep = () => jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  await settle({ ...deps, sleep }, failure);
  expect((await jobs.read(newJob))!.dispatched).toBeNull();
  expect(hinted).toEqual([["work", newJob.id, 60]]);
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

it.each(["s3://other/jobs/acme/x.json", "s3://videos/models/demo/model_index.json", ""])(
  "an invocation of %j is refused",
  async (inputLocation) => {
    const { deps } = await setUp();
    await expect(settle(deps, { ...success, inputLocation })).rejects.toThrow(MessageError);
  },
);
