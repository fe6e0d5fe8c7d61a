import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { expect } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import { type JobRecord, newVideoId } from "../../lib/service/jobs/index.ts";
import { undeliveredKey, unfinishedKey } from "../../lib/service/jobs/object-keys.ts";
import { hintBody } from "../../lib/service/queue/messages.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { openReceiver } from "../local/receiver.ts";
import type { Access } from "./access.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

const LEASE_MS = 10_000;

/** Records the accesses of each function of a deployment to the bucket, while all of its features are used once. */
export async function observedAccesses(): Promise<Access[]> {
  const modelFolder = await writeTinyModel();
  const deployment = await startDeployment({ modelFolder, leaseMs: LEASE_MS });
  const receiver = await openReceiver((path) => ({ status: { "/gone": 410, "/busy": 503 }[path] ?? 204 }));
  try {
    await registerAndForget(deployment, receiver.url);
    await makeVideos(deployment, receiver.url);
    await loseJobs(deployment);
    await moveMarkers(deployment, receiver.url);
    return deployment.accesses().filter(({ role }) => ROLES.includes(role));
  } finally {
    await deployment.stop();
    await receiver.close();
    await rm(modelFolder, { recursive: true });
  }
}

const ROLES = ["edge", "dispatch", "settle", "sweep", "webhook", "gpu"];

async function registerAndForget({ ask }: Deployment, receiver: string): Promise<void> {
  const endpoints = "/v1/webhook_endpoints";
  const { id } = await ask<{ id: string }>("POST", endpoints, {
    url: `${receiver}/never`,
    event_types: ["video.failed"],
  });
  await ask("POST", `${endpoints}/${id}`, { name: "another" });
  await ask("POST", `${endpoints}/${id}/rotate_secret`, {});
  await ask("GET", endpoints);
  await ask("DELETE", `${endpoints}/${id}`);

  const triggers = "/v1/triggers";
  const trigger = await ask<{ id: string; signing_secret: string }>("POST", triggers, {
    prompt: "{{/title}}",
    signature: { scheme: "bearer" },
  });
  await ask("GET", triggers);
  await ask("POST", `${triggers}/${trigger.id}`, { name: "another" });
  const bearer = { authorization: `Bearer ${trigger.signing_secret}` };
  await ask("POST", `${triggers}/${trigger.id}/invoke`, { title: "a blue square" }, bearer);
  await ask("DELETE", `${triggers}/${trigger.id}`);
}

async function makeVideos(deployment: Deployment, receiver: string): Promise<void> {
  const { ask, create, queues } = deployment;
  const gone = { url: `${receiver}/gone`, event_types: ["video.completed"] };
  await ask("POST", "/v1/webhook_endpoints", gone);
  const endpoint = await deployment.replaceEndpoint("adareel-1");
  endpoint.faults.serverErrors = 1;

  const request = { prompt: "a red circle", webhook_url: `${receiver}/hook` };
  const key = { "idempotency-key": "once" };
  const { id } = await ask<Video>("POST", "/v1/videos", request, key);
  await ask("POST", "/v1/videos", request, key);
  await eventually(() => expect(queues.events.sent.length).toBeGreaterThan(0));
  await eventually(() => expect(queues.events.size).toBe(0));
  deployment.pass(60_000);
  await until(deployment, id, ({ status }) => expect(status).toBe("completed"));
  await eventually(() => expect(queues.webhooks.size + queues.sends.size).toBe(0));

  const { url } = await ask<Video>("GET", `/v1/videos/${id}`);
  await (await fetch(url!)).arrayBuffer();
  await ask("GET", "/v1/videos");
  await ask("POST", `/v1/videos/${id}/remix`, { prompt: "a green circle" });
  await ask("POST", `/v1/videos/${id}/webhooks/redeliver`, {});
  await ask("DELETE", `/v1/videos/${id}`);

  endpoint.sleep();
  await ask("POST", `/v1/videos/${(await create({})).id}/cancel`);
}

/** Expires jobs so that each function that can notice does so, loses a worker, and leaves a marker without a job. */
async function loseJobs(deployment: Deployment): Promise<void> {
  const { create, queues, sweep, pass } = deployment;
  const endpoint = await deployment.replaceEndpoint("adareel-2");
  queues.work.losses = 2;
  const [late] = [await create({ timeout: 10 }), await create({ timeout: 10 })];
  pass(10_000);
  queues.work.send(hintBody({ tenant: "acme", id: late.id }));
  await until(deployment, late.id, ({ status }) => expect(status).toBe("failed"));
  await sweep();

  endpoint.wake();
  const { id } = await create({ steps: 1000, cache: "off" });
  await until(deployment, id, ({ progress }) => expect(progress?.done).toBeGreaterThan(0));
  await deployment.gpu.replace();
  pass(LEASE_MS + 5_001);
  const abandoned = { tenant: "acme", keyId: "key", id: newVideoId(Date, randomBytes) };
  const longAgo = new TextEncoder().encode(`${Date.now() - 3_600_000}`);
  await deployment.storeFor("observer").put(unfinishedKey(abandoned), longAgo);
  const report = await sweep();
  expect(report.lost).toBe(1);
  expect(report.orphaned).toBe(1);
  await deployment.ask("POST", `/v1/videos/${id}/cancel`);
}

/** Lets a receiver ask for a retry, and leaves a marker of a job that is gone. */
async function moveMarkers(
  { ask, create, queues, storeFor, sweep }: Deployment,
  receiver: string,
): Promise<void> {
  const forgotten = { tenant: "acme", id: newVideoId(Date, randomBytes), dueAt: Date.now() - 3_600_000 };
  await storeFor("observer").put(undeliveredKey(forgotten), new Uint8Array([1]));
  await sweep();
  const { id } = await create({ webhook_url: `${receiver}/busy`, webhook_events: ["video.failed"] });
  await ask("POST", `/v1/videos/${id}/cancel`);
  await eventually(() => expect(queues.webhooks.sent).toContain(hintBody({ tenant: "acme", id })));
}

function until({ jobs }: Deployment, id: string, holds: (record: JobRecord) => void): Promise<void> {
  return eventually(async () => holds((await jobs.read({ tenant: "acme", id }))!));
}
