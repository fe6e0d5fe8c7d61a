import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { type JobRecord, type JobRef, sweep } from "../../lib/service/jobs/index.ts";
import { RUNNER } from "../../lib/shared/run/index.ts";
import { eventually } from "../eventually.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { endless, openTinyWorkplace, openWorkplace, type Workplace } from "./job-fixture.ts";

const script = join(import.meta.dirname, "../../functions/gpu/serve.ts");

let folder: string;
let place: Workplace;

beforeAll(async () => {
  ({ folder, place } = await openTinyWorkplace());
});
afterAll(() => place.remove());

/** Starts a pulling worker as a container does, without a parent that listens; resolves once it looks for jobs. */
async function startPuller(env: NodeJS.ProcessEnv = {}) {
  const gpu = spawn(process.execPath, [RUNNER, script, "pull"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      STORE: place.url,
      MODELS: folder,
      PORT: "0",
      HOST: "127.0.0.1",
      THREADS: "1",
      PULL_PAUSE_MS: "50",
      PROVENANCE: "off",
      NODE_NO_WARNINGS: "1",
      ...env,
    },
  });
  onTestFinished(() => void gpu.kill("SIGKILL"));
  const lines: { msg: string; owner?: string; port?: number; id?: string; status?: string }[] = [];
  createInterface({ input: gpu.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
  const ready = () => lines.find(({ msg }) => msg === "pulling");
  await eventually(() => expect(ready()).toBeDefined());
  const made = () => lines.filter(({ msg, status }) => msg === "job" && status === "completed");
  return {
    gpu,
    owner: ready()!.owner!,
    url: `http://127.0.0.1:${ready()!.port}`,
    made: () => made().map(({ id }) => id!),
    exited: once(gpu, "exit"),
  };
}

/** Number of jobs over which requests are counted. */
const JOBS = 6;

const read = async (ref: JobRef) => (await place.jobs.read(ref)) as JobRecord;

it("two workers that pull make each job once, and share them", { timeout: 120_000 }, async () => {
  const workers = await Promise.all([startPuller(), startPuller()]);
  const refs: JobRef[] = [];
  for (let count = 0; count < 12; count += 1) refs.push(await place.queue());
  await eventually(async () => {
    for (const ref of refs) expect(await read(ref)).toMatchObject({ status: "completed", attempt: 1 });
  });
  await eventually(() => {
    const made = workers.map((worker) => worker.made());
    expect(made.flat().toSorted()).toEqual(refs.map(({ id }) => id).toSorted());
    for (const each of made) expect(each.length).toBeGreaterThan(0);
  });
  for (const { gpu, exited } of workers) {
    gpu.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  }
});

it("the job of a worker that was killed is made by the other one", { timeout: 120_000 }, async () => {
  const first = await startPuller({ LEASE_MS: "1000" });
  const ref = await place.queue(endless);
  await eventually(async () => expect((await read(ref)).lease?.owner).toBe(first.owner));
  first.gpu.kill("SIGKILL");
  await first.exited;
  const second = await startPuller({ STOP_GRACE_MS: "100" });
  place.clock.aheadMs += 60_000;
  const hints = { work: async () => undefined, webhooks: async () => undefined };
  const onError = vi.fn();
  const { jobs, clock } = place;
  const report = await sweep({ jobs, clock, hints, isStale: () => false, onError });
  expect([report.lost, onError.mock.calls]).toEqual([1, []]);
  await eventually(async () => {
    expect(await read(ref)).toMatchObject({ attempt: 2, lease: { owner: second.owner } });
  });
  const ping = await fetch(`${second.url}/ping`);
  expect(await ping.json()).toMatchObject({ status: "ok", busy: true });
  expect((await fetch(`${second.url}/invocations`, { method: "POST", body: "{}" })).status).toBe(404);
  // A worker that is told to go hands its job back when its grace is over.
  second.gpu.kill("SIGTERM");
  expect(await second.exited).toEqual([0, null]);
  expect(await read(ref)).toMatchObject({ status: "queued", lease: null, losses: 1, failures: 0 });
  await place.jobs.apply(ref, { type: "cancel" });
  place.clock.aheadMs = 0;
});

it("a job in a bucket takes few requests, and a worker that waits asks for one listing at a time", {
  timeout: 120_000,
}, async () => {
  const stub = await startS3Stub();
  onTestFinished(() => stub.close());
  for (const [name, value] of Object.entries(stub.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const bucket = await openWorkplace(folder, "s3://videos/a");
  const worker = await startPuller({
    STORE: bucket.url,
    PROGRESS_INTERVAL_MS: "60000",
    AWS_ACCESS_KEY_ID: "worker",
  });
  const asked = () => stub.requests.filter(({ headers }) => headers.authorization?.includes("worker/"));
  const queue = async (count: number) => {
    for (let number = 0; number < count; number += 1) await bucket.queue();
  };
  await queue(1);
  await eventually(() => expect(worker.made()).toHaveLength(1));
  const before = asked().length;
  await queue(JOBS);
  await eventually(() => expect(worker.made()).toHaveLength(1 + JOBS));
  const took = asked().slice(before);
  const count = (name: string) => took.filter(({ operation }) => operation === name).length;
  // Three listings for the turn, and those of pauses while jobs were queued.
  const [gets, puts] = [count("GetObject") / JOBS, count("PutObject") / JOBS];
  console.log({ gets, puts, deletes: count("DeleteObject") / JOBS, lists: count("ListObjectsV2") / JOBS });
  expect(gets).toBeLessThan(12);
  expect(puts).toBeLessThan(12);
  const idle = asked().length;
  await eventually(() => expect(asked().length).toBeGreaterThan(idle + 20));
  const atRest = asked().slice(-10);
  expect(new Set(atRest.map(({ operation }) => operation))).toEqual(new Set(["ListObjectsV2"]));
  worker.gpu.kill("SIGTERM");
  expect(await worker.exited).toEqual([0, null]);
});
