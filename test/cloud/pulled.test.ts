import { rm } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { templateOf } from "../infra/deployment.ts";
import { permissionsOf } from "../infra/policies.ts";
import { openReceiver, type Receiver } from "../local/receiver.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

const TIMEOUT_MS = 300_000;
const LEASE_MS = 10_000;
/** Time after which a lease has expired for other workers too. */
const LOST_MS = LEASE_MS + 5_001;

let model: string;
let deployment: Deployment;
let receiver: Receiver;

beforeAll(async () => {
  model = await writeTinyModel();
  deployment = await startDeployment({ modelFolder: model, leaseMs: LEASE_MS, backend: "ecs" });
  receiver = await openReceiver();
}, TIMEOUT_MS);
afterAll(async () => {
  await deployment.stop();
  await receiver.close();
  await rm(model, { recursive: true });
});
beforeEach(() => {
  deployment.clock.aheadMs = 0;
});

function record(id: string, holds: (record: JobRecord) => void): Promise<JobRecord> {
  return eventually(async () => {
    const found = await deployment.jobs.read({ tenant: "acme", id });
    holds(found!);
    return found!;
  });
}

const status = (expected: JobRecord["status"]) => (found: JobRecord) => expect(found.status).toBe(expected);

/** Waits until the worker has no turn to take and none under way. */
function quiet(): Promise<void> {
  return eventually(() => expect(deployment.runs.size).toBe(0));
}

describe("a video that is made by a worker that pulls", { timeout: TIMEOUT_MS }, () => {
  it("a requested video travels through the queue of runs, and its webhook is sent though nobody settles", async () => {
    const webhook = { webhook_url: `${receiver.url}/made`, webhook_events: ["video.completed"] };
    const { id } = await deployment.create(webhook);
    const [told] = await receiver.at("/made", 1);
    expect(JSON.parse(told!.body)).toMatchObject({ type: "video.completed", data: { id } });
    expect(await record(id, status("completed"))).toMatchObject({
      attempt: 1,
      dispatched: { to: "runs" },
    });
    await quiet();
    expect(deployment.runs.sent).toHaveLength(1);
    expect(deployment.queues.events.sent).toEqual([]);
  });

  it("several videos are made once each, whatever their messages name", async () => {
    deployment.runs.doubles = 2;
    const ids = await Promise.all([1, 2, 3].map(async () => (await deployment.create({})).id));
    for (const id of ids) expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
    await quiet();
  });

  it("no video is lost when its message is lost: the sweep finds the queue empty and gives the hint again", async () => {
    deployment.runs.losses = 1;
    const { id } = await deployment.create({});
    await record(id, ({ dispatched }) => expect(dispatched?.to).toBe("runs"));
    deployment.pass(60_000);
    expect(await deployment.sweep()).toMatchObject({ resent: 1 });
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
  });

  it("a turn that makes an older video sends the message of the video that it names again", async () => {
    deployment.runs.losses = 1;
    const older = await deployment.create({});
    await record(older.id, ({ dispatched }) => expect(dispatched?.to).toBe("runs"));
    const sent = deployment.runs.sent.length;
    const newer = await deployment.create({});
    for (const { id } of [older, newer])
      expect(await record(id, status("completed"))).toMatchObject({ attempt: 1 });
    await quiet();
    expect(deployment.runs.sent.slice(sent)).toEqual(Array(2).fill(expect.stringContaining(newer.id)));
  });

  it("no video is lost when the instance of its worker is lost", async () => {
    const { id } = await deployment.create({ steps: 300, cache: { policy: "off" } });
    await record(id, ({ progress }) => expect(progress?.done).toBeGreaterThan(0));
    await deployment.gpu.replace();
    deployment.pass(LOST_MS);
    expect(await deployment.sweep()).toMatchObject({ lost: 1, resent: 1 });
    expect(await record(id, status("completed"))).toMatchObject({ attempt: 2, losses: 1, failures: 0 });
    // The message of the lost turn appears again, finds nothing to do, and goes.
    deployment.pass(LOST_MS + 120_000);
    await quiet();
  });

  it("a role may do with the queue of runs exactly what its program does", () => {
    const template = templateOf("gpu", { backend: "ecs" });
    const granted = (role: string) =>
      permissionsOf(template, role).flatMap((line) => {
        const [, action] = /^(sqs:\w+) WorkersRunsQueue$/.exec(line) ?? [];
        return action ? [`${action} runs`] : [];
      });
    const did = (role: string) => deployment.queueAccessesOf(role).filter((line) => line.endsWith(" runs"));
    expect(did("dispatch")).toEqual(granted("DispatchRole"));
    expect(did("sweep")).toEqual(granted("SweepRole"));
    // A message is hidden for longer when a turn lasts half a minute, which only a busy machine makes one do here.
    const hides = "sqs:ChangeMessageVisibility runs";
    expect([...new Set([hides, ...did("gpu")])]).toEqual(granted("WorkersTaskRole"));
  });

  it("a worker may do with the bucket what it does, and little else", () => {
    const may = permissionsOf(templateOf("gpu", { backend: "ecs" }), "WorkersTaskRole").flatMap((line) => {
      const [, action, folder] = /^s3:(Get|Put|Delete)Object \S+?\/([a-z-]+\/)/.exec(line) ?? [];
      return action ? [`${action.toLowerCase()} ${folder}`] : [];
    });
    const own = deployment.accesses().filter(({ role, operation }) => role === "gpu" && operation !== "list");
    const does = own.map(({ operation, folder }) => `${operation} ${folder}`);
    expect(does.filter((access) => !may.includes(access))).toEqual([]);
    // The model; pictures; an artifact after an upload whose answer was lost; markers of jobs of other turns.
    const unseen = ["get artifacts/", "get inputs/", "get models/", "put unfinished/"];
    expect(may.filter((access) => !does.includes(access) && !unseen.includes(access))).toEqual([]);
  });
});
