import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Video } from "../../functions/api/schemas/video.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { requestSecret } from "../../lib/service/webhooks/index.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { openReceiver, type Received, type Receiver } from "../local/receiver.ts";
import type { AsyncEndpoint } from "./async-endpoint.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

const TIMEOUT_MS = 300_000;
const LEASE_MS = 10_000;
/** Time after which a lease has expired for other workers too. */
const LOST_MS = LEASE_MS + 5_001;

let model: string;
let deployment: Deployment;
let receiver: Receiver;
let endpoint: AsyncEndpoint;
let turn = 0;

beforeAll(async () => {
  model = await writeTinyModel();
  deployment = await startDeployment({ modelFolder: model, leaseMs: LEASE_MS });
  receiver = await openReceiver();
}, TIMEOUT_MS);
afterAll(async () => {
  await deployment.stop();
  await receiver.close();
  await rm(model, { recursive: true });
});
beforeEach(async () => {
  turn += 1;
  deployment.clock.aheadMs = 0;
  endpoint = await deployment.replaceEndpoint(`adareel-${turn}`);
});

/** Creates a video whose webhooks go to a path that only this test uses. */
async function create(request: object = {}) {
  const path = `/${turn}`;
  const webhook = { webhook_url: receiver.url + path, webhook_events: ["video.completed", "video.failed"] };
  const { id } = await deployment.create({ ...webhook, ...request });
  return {
    id,
    told: () => receiver.at(path, 1),
    toldSoFar: () => receiver.received.filter((each) => each.path === path),
  };
}

/** Waits until `holds` passes for the record of a job, and returns the record. */
function record(id: string, holds: (record: JobRecord) => void): Promise<JobRecord> {
  const look = async () => {
    const found = await deployment.jobs.read({ tenant: "acme", id });
    holds(found!);
    return found!;
  };
  return eventually(look);
}

const status = (expected: JobRecord["status"]) => (found: JobRecord) => expect(found.status).toBe(expected);

/** Waits until all queues are empty. */
function quiet(): Promise<void> {
  const queues = Object.values(deployment.queues);
  return eventually(() => expect(queues.map(({ size }) => size)).toEqual([0, 0, 0, 0]));
}

/** Waits until the notification of the job's last invocation has been handled. */
function settled(id: string): Promise<void> {
  const { events } = deployment.queues;
  return eventually(() => {
    expect(events.sent.at(-1)).toContain(id);
    expect(events.size).toBe(0);
  });
}

function expectSigned({ headers, id, body }: Received): void {
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
  const signed = new Webhook(requestSecret(deployment.ring, "acme")).sign(id, at, body);
  expect(headers["webhook-signature"]).toBe(signed);
}

describe("a video that is requested at the edge", { timeout: TIMEOUT_MS }, () => {
  it("a requested video is made by the GPU function, announced by a signed webhook, and read by a signed URL", async () => {
    const { id, told } = await create();
    const [webhook] = await told();
    expectSigned(webhook!);
    expect(JSON.parse(webhook!.body)).toMatchObject({ type: "video.completed", data: { id } });
    const { outputs, attempt } = await record(id, status("completed"));
    expect(attempt).toBe(1);
    const { url } = await deployment.ask<Video>("GET", `/v1/videos/${id}`);
    const bytes = new Uint8Array(await (await fetch(url!)).arrayBuffer());
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(outputs!.video.sha256);
    expect(endpoint.invocations).toMatchObject([{ inferenceId: `${id}.1`, ttlSeconds: 3600 }]);
  });
});

describe("lost and repeated messages", { timeout: TIMEOUT_MS }, () => {
  it("every video is made once when every message and the invocation come twice", async () => {
    const { work, webhooks, events } = deployment.queues;
    for (const queue of [work, webhooks, events]) queue.doubles = 3;
    endpoint.faults.repeatedInvocations = 1;
    const { id, told, toldSoFar } = await create();
    await told();
    await quiet();
    expect(toldSoFar()).toHaveLength(1);
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
    for (const queue of [work, webhooks, events]) queue.doubles = 0;
  });

  it("no video is lost when the event of the bucket is lost", async () => {
    deployment.queues.work.losses = 1;
    const { id, told } = await create();
    deployment.pass(60_000);
    expect(await deployment.sweep()).toMatchObject({ queued: 1, resent: 1 });
    await told();
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
  });

  it("no video is lost when the endpoint refuses its job until the message is a dead letter", async () => {
    const { work } = deployment.queues;
    endpoint.faults.throttled = 5;
    const { id, told } = await create();
    for (let left = 4; left >= 0; left -= 1) {
      await eventually(() => expect(endpoint.faults.throttled).toBe(left));
      await eventually(() => expect(work.isBusy).toBe(false));
      deployment.pass(180_000);
    }
    expect(work.dead).toHaveLength(1);
    expect(await deployment.sweep()).toMatchObject({ resent: 1 });
    await told();
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
  });

  it("no video is lost when the notification is lost", async () => {
    endpoint.faults.lostNotifications = 1;
    const { id, told } = await create();
    await told();
    await record(id, status("completed"));
  });

  it("no video is lost when the container fails before it has the job, which is tried again a minute later", async () => {
    endpoint.faults.serverErrors = 1;
    const { id, told } = await create();
    await settled(id);
    deployment.pass(60_000);
    await told();
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 1, failures: 0 });
    expect(endpoint.invocations).toHaveLength(2);
  });

  it("no video is lost when the container is killed in the middle of the job", async () => {
    const { id, told } = await create({ steps: 300, cache: { policy: "off" } });
    await record(id, ({ progress }) => expect(progress?.done).toBeGreaterThan(0));
    await deployment.gpu.replace();
    await settled(id);
    await record(id, status("running"));
    deployment.pass(LOST_MS);
    expect(await deployment.sweep()).toMatchObject({ lost: 1, resent: 1 });
    await told();
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 2, losses: 1, failures: 0 });
  });

  it("no video is lost when another endpoint replaces the one in whose queue it waits", async () => {
    endpoint.sleep();
    const { id, told } = await create();
    await record(id, ({ dispatched }) => expect(dispatched?.to).toBe(endpoint.name));
    const next = await deployment.replaceEndpoint(`adareel-${turn}-next`);
    deployment.pass(60_000);
    expect(await deployment.sweep()).toMatchObject({ resent: 1 });
    await told();
    await record(id, status("completed"));
    expect(next.invocations).toHaveLength(1);
  });
});

describe("a video that is not made by its deadline", { timeout: TIMEOUT_MS }, () => {
  it("a video fails at its deadline, with a webhook, when the endpoint gave it up", async () => {
    endpoint.sleep();
    const { id, told } = await create({ timeout: 10 });
    await record(id, ({ dispatched }) => expect(dispatched?.to).toBe(endpoint.name));
    deployment.pass(60_000);
    endpoint.wake();
    await settled(id);
    deployment.pass(60_000);
    await expectFailure(id, told());
  });

  it("a video fails at its deadline, with a webhook, when the endpoint accepted and lost it", async () => {
    endpoint.faults.lostInvocations = 1;
    const { id, told } = await create({ timeout: 120 });
    await record(id, ({ dispatched }) => expect(dispatched?.to).toBe(endpoint.name));
    deployment.pass(60_000);
    expect(await deployment.sweep()).toMatchObject({ queued: 1, resent: 0 });
    deployment.pass(60_000);
    expect(await deployment.sweep()).toMatchObject({ expired: 1 });
    await expectFailure(id, told());
  });

  async function expectFailure(id: string, told: Promise<Received[]>): Promise<void> {
    const [webhook] = await told;
    expectSigned(webhook!);
    expect(JSON.parse(webhook!.body)).toMatchObject({
      type: "video.failed",
      data: { id, error: { code: "deadline_exceeded" } },
    });
    expect((await record(id, status("failed"))).attempt).toBe(0);
  }
});
