import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { S3Client } from "@aws-sdk/client-s3";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { jobLocation } from "../../../lib/service/backends/index.ts";
import { type JobStore, jobStore, newVideoId } from "../../../lib/service/jobs/index.ts";
import { undeliveredKey, unfinishedKey } from "../../../lib/service/jobs/object-keys.ts";
import { hintedJobs } from "../../../lib/service/queue/index.ts";
import { s3Store } from "../../../lib/service/storage/s3-store.ts";
import { system } from "../../../lib/shared/system.ts";
import { AsyncEndpoint } from "../../cloud/async-endpoint.ts";
import { type AwsServer, startAwsServer } from "../../cloud/aws-server.ts";
import { bucketEvent, bucketTestEvent } from "../../cloud/bucket-event.ts";
import { MessageQueue } from "../../cloud/message-queue.ts";
import { notification } from "../../cloud/notification.ts";
import { type S3Stub, startS3Stub } from "../../s3-stub/s3-stub.ts";
import { newJob } from "../jobs/sample-job.ts";

const MASTER_SECRET = "m".repeat(64);
const TIMEOUT_MS = 300_000;

let stub: S3Stub;
let aws: AwsServer;
let queues: Record<"work" | "webhooks" | "sends.fifo", MessageQueue>;
let endpoint: AsyncEndpoint;
let client: S3Client;
let jobs: JobStore;
let env: Record<string, string>;

beforeEach(async () => {
  stub = await startS3Stub({ buckets: ["videos"] });
  queues = {
    work: new MessageQueue({ name: "work", clock: Date }),
    webhooks: new MessageQueue({ name: "webhooks", clock: Date }),
    "sends.fifo": new MessageQueue({ name: "sends.fifo", clock: Date }),
  };
  aws = await startAwsServer({ queues, secrets: { "adareel/master-key": MASTER_SECRET } });
  client = new S3Client({
    endpoint: stub.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const store = s3Store({ client, bucket: "videos" });
  endpoint = new AsyncEndpoint({
    name: "adareel-1",
    store,
    storeUrl: "s3://videos",
    container: () => Promise.reject(new TypeError("There is none.")),
    notify: () => undefined,
    clock: Date,
  });
  endpoint.sleep();
  aws.endpoints.set(endpoint.name, endpoint);
  jobs = jobStore({ store, clock: Date, random: randomBytes, sleep: system.sleep });
  await jobs.create(newJob, { unfinishedMax: 10 });
  env = {
    ...stub.env,
    AWS_ENDPOINT_URL: aws.url,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    STORE: "s3://videos",
    WORK_QUEUE_URL: aws.queueUrl("work"),
    WEBHOOKS_QUEUE_URL: aws.queueUrl("webhooks"),
    SENDS_QUEUE_URL: aws.queueUrl("sends.fifo"),
    ENDPOINT_NAME: "adareel-1",
    DEPLOYMENT: "adareel",
    MASTER_SECRET_ID: "adareel/master-key",
    BLOCKED_HOSTS: "api.example,acme.example",
    LOG_LEVEL: "silent",
  };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.resetModules();
  client.destroy();
  await Promise.all([aws.close(), stub.close()]);
});

/** Imports a function as a cold start does, and returns its handler. */
async function handlerOf<Handler = (event: SQSEvent) => Promise<SQSBatchResponse>>(
  name: string,
): Promise<Handler> {
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  return (await import(`../../../functions/${name}/handler.ts`)).handler;
}

function batch(...bodies: string[]): SQSEvent {
  const Records = bodies.map((body, index) => ({ messageId: `message-${index}`, body }) as SQSRecord);
  return { Records };
}

const failures = (...indexes: number[]) => ({
  batchItemFailures: indexes.map((index) => ({ itemIdentifier: `message-${index}` })),
});

const markerEvent = bucketEvent("videos", unfinishedKey(newJob));
const ended = (failureReason?: string) =>
  notification({
    inputLocation: jobLocation("s3://videos", newJob),
    ...(failureReason !== undefined && { failureReason }),
  });

describe("dispatch", () => {
  it("the dispatch function accepts bucket events and S3's test event, and only unreadable messages come again", async () => {
    const handler = await handlerOf("dispatch");
    const response = await handler(batch(bucketTestEvent("videos"), "nonsense", markerEvent));
    expect(response).toEqual(failures(1));
    expect(endpoint.invocations).toMatchObject([
      {
        inputLocation: jobLocation("s3://videos", newJob),
        inferenceId: `${newJob.id}.1`,
        ttlSeconds: 21_600,
      },
    ]);
    expect((await jobs.read(newJob))!.dispatched!.to).toBe("adareel-1");
    expect(queues.webhooks.sent.flatMap(hintedJobs)).toEqual([{ tenant: "acme", id: newJob.id }]);
  });

  it("the dispatch function does not acknowledge a message whose job the endpoint refuses", async () => {
    aws.endpoints.clear();
    const handler = await handlerOf("dispatch");
    expect(await handler(batch(markerEvent))).toEqual(failures(0));
    expect((await jobs.read(newJob))!.dispatched).toBeNull();
  });
});

it("the settle function accepts SageMaker's raw notifications", async () => {
  await jobs.apply(newJob, { type: "dispatch", to: "adareel-1" });
  const handler = await handlerOf("settle");
  const enveloped = JSON.stringify({ Type: "Notification", Message: ended() });
  expect(await handler(batch(enveloped, ended("The container answered with 500.")))).toEqual(failures(0));
  expect((await jobs.read(newJob))!.dispatched).toBeNull();
  expect(queues.work.sent.flatMap(hintedJobs)).toEqual([{ tenant: "acme", id: newJob.id }]);
});

it("the webhook function hands on, signs with the deployment's key, sends nothing to itself, and comes again", async () => {
  await jobs.apply(newJob, { type: "cancel" });
  const handler = await handlerOf("webhook");
  const marker = undeliveredKey({ ...newJob, dueAt: newJob.createdAt });
  expect(await handler(batch(bucketEvent("videos", marker)))).toEqual(failures());
  expect(queues["sends.fifo"].sent).toHaveLength(1);
  expect(await handler(batch(...queues["sends.fifo"].sent))).toEqual(failures());
  const { events } = (await jobs.read(newJob))!;
  expect(events.at(-1)!.deliveries).toMatchObject([
    { state: "pending", attempts: [{ reason: "blocked_address" }] },
  ]);
  expect(queues.webhooks.sent).toHaveLength(1);
});

it("the sweep function visits all jobs, and reports how many are unfinished", async () => {
  const written: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const handler = await handlerOf<() => Promise<void>>("sweep");
  await handler();
  vi.mocked(process.stdout.write).mockRestore();
  expect(queues.webhooks.sent.flatMap(hintedJobs)).toEqual([{ tenant: "acme", id: newJob.id }]);
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { Deployment: "adareel", UnfinishedJobs: 1 },
  ]);
});

describe("a function that cannot start", () => {
  it.each([
    ["dispatch", "WORK_QUEUE_URL"],
    ["settle", "WORK_QUEUE_URL"],
    ["sweep", "DEPLOYMENT"],
    ["webhook", "MASTER_SECRET_ID"],
  ])("the function %s names the missing variable %s", async (name, variable) => {
    env[variable] = "";
    await expect(handlerOf(name)).rejects.toThrow(`${variable} is needed`);
  });

  it.each([
    ["no backend", ""],
    ["two backends", "https://sqs.test/111122223333/runs"],
  ])("a function of %s says which variables choose one", async (_case, url) => {
    if (url === "") env.ENDPOINT_NAME = "";
    env.RUNS_QUEUE_URL = url;
    await expect(handlerOf("dispatch")).rejects.toThrow(
      /^One of ENDPOINT_NAME, .* RUNS_QUEUE_URL, .* is needed\.$/,
    );
  });

  it("a function without its master secret says that there is no such secret", async () => {
    env.MASTER_SECRET_ID = "another";
    await expect(handlerOf("webhook")).rejects.toThrow("There is no such secret.");
  });
});

it("all functions log lines of JSON, without prompt, address or secret", {
  timeout: TIMEOUT_MS,
}, async () => {
  const over = { ...newJob, id: newVideoId(Date, randomBytes) };
  await jobs.create(over, { unfinishedMax: 10 });
  await jobs.apply(over, { type: "cancel" });
  const events = {
    dispatch: batch(markerEvent, "nonsense"),
    settle: batch(ended("The container answered with 500.")),
    sweep: {},
    webhook: batch(bucketEvent("videos", undeliveredKey({ ...over, dueAt: 0 }))),
  };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "run-handlers.ts"), JSON.stringify(events)],
    { env: { ...process.env, ...env, LOG_LEVEL: "debug" } },
  );
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ msg, outcome, _aws }) => outcome ?? msg ?? (_aws && "metric"))).toEqual([
    "a message failed and will be delivered again",
    "dispatched",
    "queued again",
    "sweep",
    "metric",
    "handed on",
  ]);
  expect(stdout + stderr).not.toMatch(/red circle|acme\.example|whsec_|mmmm/);
});
