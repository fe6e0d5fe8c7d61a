import type { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { expect, it } from "vitest";
import { dispatch } from "../../functions/dispatch/dispatch.ts";
import { jobKey } from "../../lib/service/jobs/index.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

/** A job of `acme`, and an endpoint that takes what it is given. */
async function setUp({ isCreated = true } = {}) {
  const { jobs, clock, pass } = openJobs();
  const invocations: InvokeEndpointAsyncCommand["input"][] = [];
  const hinted: string[] = [];
  const waits: number[] = [];
  const endpoint = { fault: null as Error | null };
  const create = () => jobs.create(newJob, { unfinishedMax: 10 });
  if (isCreated) await create();
  const deps = {
    jobs,
    clock,
    runtime: {
      send: async ({ input }: InvokeEndpointAsyncCommand) => {
        if (endpoint.fault) throw endpoint.fault;
        invocations.push(input);
      },
    } as never,
    endpointName: "adareel-1",
    storeUrl: "s3://videos",
    hints: { webhooks: async ({ id }: { id: string }) => void hinted.push(id) },
    sleep: async (durationMs: number) => void waits.push(durationMs),
  };
  return { jobs, clock, pass, create, invocations, hinted, waits, endpoint, deps };
}

it("a queued job is put into the endpoint's queue, and its record says so", async () => {
  const { deps, invocations, jobs, clock, hinted } = await setUp();
  expect(await dispatch(deps, newJob)).toBe("dispatched");
  expect(invocations).toEqual([
    {
      EndpointName: "adareel-1",
      InputLocation: `s3://videos/${jobKey(newJob)}`,
      ContentType: "application/json",
      InferenceId: `${newJob.id}.1`,
      InvocationTimeoutSeconds: 3600,
      RequestTTLSeconds: 3600,
    },
  ]);
  expect((await jobs.read(newJob))!.dispatched).toEqual({ to: "adareel-1", at: clock.now() });
  expect(hinted).toEqual([newJob.id]);
});

it("a job that waits in the endpoint's queue is not put there again, except by a replacing endpoint", async () => {
  const { deps, invocations } = await setUp();
  await dispatch(deps, newJob);
  expect(await dispatch(deps, newJob)).toBe("known");
  expect(await dispatch({ ...deps, endpointName: "adareel-2" }, newJob)).toBe("dispatched");
  expect(invocations.map(({ EndpointName }) => EndpointName)).toEqual(["adareel-1", "adareel-2"]);
});

it("a running or finished job is not dispatched", async () => {
  const { deps, invocations, jobs } = await setUp();
  await jobs.apply(newJob, { type: "claim", owner: "worker", leaseMs: 60_000 });
  expect(await dispatch(deps, newJob)).toBe("known");
  await jobs.apply(newJob, { type: "cancel" });
  expect(await dispatch(deps, newJob)).toBe("known");
  expect(invocations).toEqual([]);
});

it("the endpoint keeps a job until its deadline, within the bounds that the endpoint allows", async () => {
  const { deps, invocations, pass } = await setUp();
  pass(3_599_000);
  await dispatch(deps, newJob);
  const { deps: patient, invocations: later, jobs } = await setUp({ isCreated: false });
  const deadlineAt = newJob.createdAt + 86_400_000;
  await jobs.create({ ...newJob, deadlineAt }, { unfinishedMax: 10 });
  await dispatch(patient, newJob);
  expect([...invocations, ...later].map(({ RequestTTLSeconds }) => RequestTTLSeconds)).toEqual([60, 21_600]);
});

it("a job whose deadline is over fails instead of being dispatched", async () => {
  const { deps, invocations, pass, jobs, hinted } = await setUp();
  pass(3_600_000);
  expect(await dispatch(deps, newJob)).toBe("expired");
  expect(await jobs.read(newJob)).toMatchObject({ status: "failed", error: { code: "deadline_exceeded" } });
  expect(invocations).toEqual([]);
  expect(hinted).toEqual([newJob.id]);
});

it("a record that comes after its marker is waited for, and one that does not come is left to the sweeper", async () => {
  const { deps, create, waits, invocations } = await setUp({ isCreated: false });
  const slow = { ...deps, sleep: async () => void (await create()) };
  expect(await dispatch(deps, newJob)).toBe("missing");
  expect(waits).toEqual([100, 200, 400, 800]);
  expect(invocations).toEqual([]);
  expect(await dispatch(slow, newJob)).toBe("dispatched");
});

it.each(["ValidationError", "ThrottlingException", "InternalFailure"])(
  "the error %s leaves the job undispatched, and its message is redelivered",
  async (name) => {
    const { deps, endpoint, jobs } = await setUp();
    endpoint.fault = Object.assign(new Error("no"), { name });
    await expect(dispatch(deps, newJob)).rejects.toThrow("no");
    expect(await jobs.read(newJob)).toMatchObject({ status: "queued", dispatched: null });
    endpoint.fault = null;
    expect(await dispatch(deps, newJob)).toBe("dispatched");
  },
);
