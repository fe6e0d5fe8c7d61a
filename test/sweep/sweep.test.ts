import { expect, it } from "vitest";
import { sweepJobs, unfinishedMetric } from "../../functions/sweep/sweep.ts";
import { DISPATCH_BELIEVED_MS } from "../../lib/service/jobs/index.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { NOW, newJob } from "../service/jobs/sample-job.ts";

async function setUp() {
  const { jobs, clock, pass } = openJobs();
  const hinted: string[] = [];
  await jobs.create(newJob, { unfinishedMax: 10 });
  const hints = {
    work: async () => void hinted.push("work"),
    webhooks: async () => void hinted.push("webhooks"),
  };
  const look = (endpointName = "adareel-1") =>
    sweepJobs({ jobs, hints, endpointName, clock, onError: (error) => expect.unreachable(String(error)) });
  return { jobs, pass, hinted, look };
}

it("a job is hinted at again once it is in no endpoint's queue for a minute", async () => {
  const { look, pass, hinted } = await setUp();
  pass(59_999);
  expect((await look()).resent).toBe(0);
  pass(1);
  expect((await look()).resent).toBe(1);
  expect(hinted.filter((queue) => queue === "work")).toHaveLength(1);
});

it("a job in the endpoint's queue is not hinted at again for as long as it may still wait there", async () => {
  const { look, pass, jobs } = await setUp();
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  pass(DISPATCH_BELIEVED_MS - 1);
  expect((await look()).resent).toBe(0);
  expect((await look("adareel-2")).resent).toBe(1);
  pass(1);
  expect((await look()).resent).toBe(1);
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
