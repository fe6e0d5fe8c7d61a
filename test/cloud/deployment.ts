import { randomBytes } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { SQSClient } from "@aws-sdk/client-sqs";
import { pino } from "pino";
import { createApp } from "../../functions/api/app.ts";
import { REQUEST_LIMITS } from "../../functions/api/limits.ts";
import { openQuotes, PLAIN_QUOTES } from "../../functions/api/quotes.ts";
import type { Video } from "../../functions/api/schemas/video.ts";
import { dispatch } from "../../functions/dispatch/dispatch.ts";
import { settle } from "../../functions/settle/settle.ts";
import { sweepJobs } from "../../functions/sweep/sweep.ts";
import { handleWebhooks } from "../../functions/webhook/webhook.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { runsQueueBackend, sageMakerBackend, sageMakerKind } from "../../lib/service/backends/index.ts";
import { jobStore } from "../../lib/service/jobs/index.ts";
import { apiKeys, keyRing } from "../../lib/service/keys/index.ts";
import { jobHandler, messageHandler } from "../../lib/service/lambda/index.ts";
import { fetchGuarded, postGuarded } from "../../lib/service/net/index.ts";
import { PICTURE_LIMITS } from "../../lib/service/pictures/index.ts";
import { sqsHints, sqsSendHints } from "../../lib/service/queue/index.ts";
import { spendingOf } from "../../lib/service/spending/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import { s3Store } from "../../lib/service/storage/s3-store.ts";
import { triggerStore } from "../../lib/service/triggers/index.ts";
import { type Post, webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { system } from "../../lib/shared/system.ts";
import { startS3Stub } from "../s3-stub/s3-stub.ts";
import { type Access, accessesIn } from "./access.ts";
import { AsyncEndpoint } from "./async-endpoint.ts";
import { startAwsServer } from "./aws-server.ts";
import { bucketEvent } from "./bucket-event.ts";
import { startGpuContainer } from "./gpu-container.ts";
import { MessageQueue } from "./message-queue.ts";

export interface DeploymentOptions {
  readonly modelFolder: string;
  readonly leaseMs: number;
  /** Backend of the deployment: an endpoint of SageMaker by default, or a queue that the worker pulls from. */
  readonly backend?: "sagemaker" | "ecs";
}

export type Deployment = Awaited<ReturnType<typeof startDeployment>>;

const BUCKET = "videos";
const STORE_URL = `s3://${BUCKET}`;

/** CLOUD_LOG=info shows the log of the functions. */
const log = pino({ level: process.env.CLOUD_LOG ?? "silent" });
const region = "us-east-1";

/**
 * Starts a deployment on this machine: the real functions and GPU function with the clients of the AWS SDK,
 * and stand-ins for S3, SQS, SNS and SageMaker. Each function accesses the bucket under the name of its role.
 */
export async function startDeployment({
  modelFolder,
  leaseMs,
  backend: kind = "sagemaker",
}: DeploymentOptions) {
  const clock = {
    aheadMs: 0,
    now(): number {
      return Date.now() + this.aheadMs;
    },
  };
  const random = randomBytes;
  const queue = (name: string) => new MessageQueue({ name, clock });
  const sends = new MessageQueue({ name: "sends.fifo", clock, batchSize: 1, concurrencyMax: 3 });
  const queues = { work: queue("work"), webhooks: queue("webhooks"), events: queue("events"), sends };
  const runs = queue("runs");
  const stub = await startS3Stub({
    buckets: [BUCKET],
    onPut(place) {
      const [bucket, folder] = place.split("/");
      const told = { unfinished: queues.work, undelivered: queues.webhooks }[folder!];
      told?.send(bucketEvent(bucket!, place.slice(bucket!.length + 1)));
    },
  });
  const aws = await startAwsServer({ queues: { ...queues, runs, "sends.fifo": sends } });
  const runsUrl = aws.queueUrl("runs");
  const gpu = startGpuContainer(
    {
      ...stub.env,
      AWS_ACCESS_KEY_ID: "gpu",
      STORE: STORE_URL,
      MODELS: modelFolder,
      LEASE_MS: String(leaseMs),
      PROGRESS_INTERVAL_MS: "200",
      LOG_LEVEL: "info",
      ...(kind === "ecs" && { RUNS_QUEUE_URL: runsUrl, AWS_ENDPOINT_URL_SQS: aws.url }),
    },
    kind === "ecs" ? "pull" : "serve",
  );

  const clients: { destroy(): void }[] = [];
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  const credentials = { accessKeyId: "function", secretAccessKey: "stub" };
  const common = { endpoint: aws.url, region, credentials };

  function storeFor(role: string): ObjectStore {
    const own = { ...credentials, accessKeyId: role };
    const client = kept(new S3Client({ endpoint: stub.url, region, forcePathStyle: true, credentials: own }));
    return s3Store({ client, bucket: BUCKET });
  }

  function jobsFor(role: string) {
    const store = storeFor(role);
    return { store, jobs: jobStore({ store, clock, random, sleep: system.sleep }) };
  }

  const sqs = kept(new SQSClient(common));
  const runtime = kept(new SageMakerRuntimeClient({ ...common, maxAttempts: 1 }));
  const hints = sqsHints({
    client: sqs,
    workUrl: aws.queueUrl("work"),
    webhooksUrl: aws.queueUrl("webhooks"),
  });
  const ring = keyRing(random(32), system.random);
  const webhookUrls = { allowLoopback: true, blockedHosts: [] };
  const post: Post = (url, request) => postGuarded(url, { ...request, ...webhookUrls, ...system });

  const deployed = { endpointName: "" };
  /** Replaces the endpoint by a new one; the queue of the old endpoint is lost. */
  async function replaceEndpoint(name: string): Promise<AsyncEndpoint> {
    const before = aws.endpoints.get(deployed.endpointName);
    const endpoint = new AsyncEndpoint({
      name,
      store: storeFor("sagemaker"),
      storeUrl: STORE_URL,
      container: () => gpu.url,
      notify: (body) => queues.events.send(body),
      clock,
    });
    aws.endpoints.set(name, endpoint);
    deployed.endpointName = name;
    if (before) aws.endpoints.delete(before.name);
    await before?.close();
    return endpoint;
  }

  const sqsOf = (role: string) =>
    kept(new SQSClient({ ...common, credentials: { ...credentials, accessKeyId: role } }));
  const backendOf = (role: string) => {
    if (kind === "ecs") {
      const opened = runsQueueBackend({ client: sqsOf(role), url: runsUrl });
      return () => opened;
    }
    return () =>
      sageMakerBackend({ client: runtime, endpointName: deployed.endpointName, storeUrl: STORE_URL, clock });
  };
  const dispatching = { ...jobsFor("dispatch"), hints, clock };
  const backend = backendOf("dispatch");
  // Waits are shortened.
  const sleep = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs / 50));
  queues.work.consumer = jobHandler(log, async (ref) => {
    const { outcome } = await dispatch({ ...dispatching, backend: backend(), sleep }, ref);
    return outcome;
  });

  const settling = { ...jobsFor("settle"), backend: sageMakerKind(STORE_URL), hints, sleep };
  queues.events.consumer = messageHandler(log, async (body) => {
    await settle(settling, settling.backend.outcomeOf(body));
  });

  const webhook = jobsFor("webhook");
  const sending = {
    ...webhook,
    endpoints: webhookEndpoints({ store: webhook.store, ring, clock, random, sleep: system.sleep }),
    ring,
    post,
    clock,
    spread: Math.random,
    hints,
    sendHints: sqsSendHints({ client: sqs, url: aws.queueUrl("sends.fifo"), random }),
    onError: (error: unknown) => log.warn({ reason: reasonOf(error) }),
  };
  queues.webhooks.consumer = jobHandler(log, (hinted) => handleWebhooks(sending, hinted));
  sends.consumer = queues.webhooks.consumer;

  const sweeping = { ...jobsFor("sweep"), hints, clock };
  const watched = backendOf("sweep");
  const sweep = () =>
    sweepJobs({
      ...sweeping,
      backend: watched(),
      onError: (error) => {
        throw error;
      },
    });

  const edge = jobsFor("edge");
  const app = createApp({
    ...edge,
    spending: spendingOf({ ...edge, clock, random, sleep: system.sleep }),
    quotes: openQuotes({ ...edge, clock, random, sleep: system.sleep, log }, PLAIN_QUOTES),
    keys: apiKeys({ store: edge.store, clock, random, sleep: system.sleep }),
    endpoints: webhookEndpoints({ store: edge.store, ring, clock, random, sleep: system.sleep }),
    triggers: triggerStore({ store: edge.store, ring, clock, random, sleep: system.sleep }),
    ring,
    hints: { work: async () => undefined, webhooks: async () => undefined },
    fetchPicture: (url) =>
      fetchGuarded(url, { rules: webhookUrls, bytesMax: PICTURE_LIMITS.bytesMax, timers: system.timers }),
    post,
    models: [await describeModel(modelFolder)],
    limits: { ...REQUEST_LIMITS, unfinishedMax: 100 },
    retentionMs: 86_400_000,
    webhookUrls,
    clock,
    random,
    log,
    version: "0.0.0-test",
  });
  const { key } = await apiKeys({ store: storeFor("operator"), clock, random, sleep: system.sleep }).create({
    tenant: "acme",
    name: "test",
  });

  async function ask<T>(
    method: string,
    path: string,
    json?: object,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await app.request(`https://api.test${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(json && { body: JSON.stringify(json) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  return {
    clock,
    queues,
    /** Queue that the worker pulls from, where it does. */
    runs,
    gpu,
    ring,
    storeFor,
    /** Job store for assertions. */
    jobs: jobsFor("observer").jobs,
    ask,
    create: (request: object) => ask<Video>("POST", "/v1/videos", { prompt: "a red circle", ...request }),
    sweep,
    replaceEndpoint,
    /** Advances the time of everything but the GPU function. */
    pass(durationMs: number): void {
      clock.aheadMs += durationMs;
      for (const each of Object.values(queues)) each.look();
    },
    /** Returns the accesses of each role to the bucket so far. */
    accesses: (): Access[] => accessesIn(stub.requests),
    /** Returns the actions of SQS that a role asked for so far, with the queues, sorted. */
    queueAccessesOf: (role: string): string[] =>
      [...aws.queueAccesses]
        .flatMap((line) => (line.startsWith(`${role} `) ? line.slice(role.length + 1) : []))
        .sort(),
    async stop(): Promise<void> {
      await aws.endpoints.get(deployed.endpointName)?.close();
      await gpu.stop();
      await Promise.all(Object.values(queues).map((each) => each.close()));
      for (const client of clients) client.destroy();
      await Promise.all([aws.close(), stub.close()]);
    },
  };
}
