import { expect, it } from "vitest";
import { sweepJobs, unfinishedMetric } from "../../functions/sweep/sweep.ts";
import { stubBackend } from "../service/backends/stub-backend.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { NOW, newJob } from "../service/jobs/sample-job.ts";

const BELIEVED_MS = 1_800_000;

async function setUp() {
  const { jobs, clock, pass } = openJobs();
  const hinted: string[] = [];
  await jobs.create(newJob, { unfinishedMax: 10 });
  const hints = {
    work: async () => void hinted.push("work"),
    webhooks: async () => void hinted.push("webhooks"),
  };
  const look = (name = "adareel-1", count: number | null = null) => {
    const backend = { ...stubBackend({ name, believedMs: BELIEVED_MS }), waiting: async () => count };
    return sweepJobs({ jobs, hints, backend, clock, onError: (error) => expect.unreachable(String(error)) });
  };
  return { jobs, pass, hinted, look };
}

it("a job is hinted at again once it is in no backend's queue for a minute", async () => {
  const { look, pass, hinted } = await setUp();
  pass(59_999);
  expect((await look()).resent).toBe(0);
  pass(1);
  expect((await look()).resent).toBe(1);
  expect(hinted.filter((queue) => queue === "work")).toHaveLength(1);
});

it("a job in the backend's queue is not hinted at again for as long as it may still wait there", async () => {
  const { look, pass, jobs } = await setUp();
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  pass(BELIEVED_MS - 1);
  expect((await look()).resent).toBe(0);
  expect((await look("adareel-2")).resent).toBe(1);
  pass(1);
  expect((await look()).resent).toBe(1);
});

it("a backend that says that nothing waits has lost the job, and one that has jobs is believed", async () => {
  const { look, pass, jobs } = await setUp();
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  pass(60_000);
  expect((await look("adareel-1", 3)).resent).toBe(0);
  expect((await jobs.read(newJob))!.dispatched).not.toBeNull();
  expect((await look("adareel-1", 0)).resent).toBe(1);
  // Else the dispatch function would leave the hint alone.
  expect((await jobs.read(newJob))!.dispatched).toBeNull();
});

it("a webhook that waits for a silent receiver is hinted at seldom, and one whose hint was lost at once", async () => {
  const { look, pass, jobs, hinted } = await setUp();
  await jobs.apply(newJob, { type: "cancel" });
  const sweepFor = async (minutes: number) => {
    hinted.length = 0;
    for (let passed = 0; passed < minutes; passed += 2) {
      pass(120_000);
      await look();
    }
    return hinted.filter((queue) => queue === "webhooks").length;
  };
  expect(await sweepFor(4)).toBe(2);
  const hints = await sweepFor(24 * 60);
  expect(hints).toBeGreaterThanOrEqual(48);
  expect(hints).toBeLessThanOrEqual(2 * 48);
});

it("the number of unfinished jobs is a metric of the deployment", async () => {
  const { look, jobs } = await setUp();
  const line = unfinishedMetric(await look(), { deployment: "adareel", now: NOW })!;
  expect(JSON.parse(line)).toEqual({
    _aws: {
      Timestamp: NOW,
      CloudWatchMetrics: [
        {
          Namespace: "Adareel",
          Dimensions: [["Deployment"]],
          Metrics: [{ Name: "UnfinishedJobs", Unit: "Count" }],
        },
      ],
    },
    Deployment: "adareel",
    UnfinishedJobs: 1,
  });
  await jobs.apply(newJob, { type: "cancel" });
  expect(unfinishedMetric(await look(), { deployment: "adareel", now: NOW })).toBeNull();
});
