import { expect, it } from "vitest";
import { dispatch } from "../../functions/dispatch/dispatch.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { stubBackend } from "../service/backends/stub-backend.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

type Deps = Parameters<typeof dispatch>[0];

/** Opens a job of `acme`, and a backend that accepts jobs. */
async function setUp({ isCreated = true, ...options }: { isCreated?: boolean; believedMs?: number } = {}) {
  const { jobs, clock, pass } = openJobs();
  const hinted: string[] = [];
  const waits: number[] = [];
  const create = () => jobs.create(newJob, { unfinishedMax: 10 });
  if (isCreated) await create();
  const backend = stubBackend({ name: "adareel-1", ...options });
  const deps: Deps = {
    jobs,
    clock,
    backend,
    hints: { webhooks: async ({ id }: JobRef) => void hinted.push(id) },
    sleep: async (durationMs: number) => void waits.push(durationMs),
  };
  return { jobs, clock, pass, create, backend, hinted, waits, deps };
}

async function outcomeOf(deps: Deps) {
  return (await dispatch(deps, newJob)).outcome;
}

it("a queued job is put into the backend's queue, and its record says so", async () => {
  const { deps, backend, jobs, clock, hinted } = await setUp();
  const { outcome, record } = await dispatch(deps, newJob);
  expect(outcome).toBe("dispatched");
  expect(backend.submitted).toEqual([{ ...record, dispatched: null, updatedAt: newJob.createdAt }]);
  expect((await jobs.read(newJob))!.dispatched).toEqual({ to: "adareel-1", at: clock.now() });
  expect(hinted).toEqual([newJob.id]);
});

it("a job that waits in the backend's queue is not put there again, except by a replacing backend", async () => {
  const { deps, backend } = await setUp();
  await dispatch(deps, newJob);
  expect(await outcomeOf(deps)).toBe("known");
  const successor = stubBackend({ name: "adareel-2" });
  expect(await outcomeOf({ ...deps, backend: successor })).toBe("dispatched");
  expect([backend, successor].map(({ submitted }) => submitted.length)).toEqual([1, 1]);
});

it("a record says nothing of a backend whose queue nobody would believe in", async () => {
  const { deps, backend, jobs } = await setUp({ believedMs: 0 });
  const before = await jobs.read(newJob);
  expect(await outcomeOf(deps)).toBe("dispatched");
  expect(await jobs.read(newJob)).toEqual(before);
  expect(await outcomeOf(deps)).toBe("dispatched");
  expect(backend.submitted).toHaveLength(2);
});

it("a running or finished job is not dispatched", async () => {
  const { deps, backend, jobs } = await setUp();
  await jobs.apply(newJob, { type: "claim", owner: "worker", leaseMs: 60_000 });
  expect(await outcomeOf(deps)).toBe("known");
  await jobs.apply(newJob, { type: "cancel" });
  expect(await outcomeOf(deps)).toBe("known");
  expect(backend.submitted).toEqual([]);
});

it("a job whose deadline is over fails instead of being dispatched", async () => {
  const { deps, backend, pass, jobs, hinted } = await setUp();
  pass(3_600_000);
  expect(await outcomeOf(deps)).toBe("expired");
  expect(await jobs.read(newJob)).toMatchObject({ status: "failed", error: { code: "deadline_exceeded" } });
  expect(backend.submitted).toEqual([]);
  expect(hinted).toEqual([newJob.id]);
});

it("a record that comes after its marker is waited for, and one that does not come is left to the sweeper", async () => {
  const { deps, create, waits, backend } = await setUp({ isCreated: false });
  const slow = { ...deps, sleep: async () => void (await create()) };
  expect(await outcomeOf(deps)).toBe("missing");
  expect(waits).toEqual([100, 200, 400, 800]);
  expect(backend.submitted).toEqual([]);
  expect(await outcomeOf(slow)).toBe("dispatched");
});

it.each(["ValidationError", "ThrottlingException", "InternalFailure"])(
  "the error %s leaves the job undispatched, and its message is redelivered",
  async (name) => {
    const { deps, backend, jobs } = await setUp();
    backend.fault = Object.assign(new Error("no"), { name });
    await expect(dispatch(deps, newJob)).rejects.toThrow("no");
    expect(await jobs.read(newJob)).toMatchObject({ status: "queued", dispatched: null });
    backend.fault = null;
    expect(await outcomeOf(deps)).toBe("dispatched");
  },
);
