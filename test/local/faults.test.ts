import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Video, VideoEvents } from "../../functions/api/schemas/video.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { type Client, clientOf, type LocalService, startLocal } from "./local-service.ts";
import { hasProcessList, processesWith, type RunningProcess } from "./processes.ts";
import { openReceiver, type Receiver } from "./receiver.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

/** Seed of the order of kills; `FAULT_SEED=… npx vitest run test/local/faults.test.ts` tests another order. */
const SEED = Number(process.env.FAULT_SEED ?? 7);
const KILLS: readonly RunningProcess["role"][][] = [
  ["gpu"],
  ["api"],
  ["pipeline"],
  ["api", "gpu"],
  ["gpu", "pipeline"],
  ["api", "pipeline"],
  ["api", "gpu", "pipeline"],
  ["api"],
];

let folder: string;
let model: string;
let receiver: Receiver;

beforeAll(async () => {
  [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-faults-")), writeTinyModel()]);
  receiver = await openReceiver();
});
afterAll(async () => {
  for (const { pid } of ours()) process.kill(pid, "SIGKILL");
  await receiver.close();
  for (const path of [folder, model]) await rm(path, { recursive: true, force: true });
});

const ours = () => processesWith("DATA_DIR", folder);

function start(): Promise<LocalService> {
  // Short, so that the leases of killed workers end soon, and long enough for the disk of a busy machine.
  const flags = { ALLOW_LOOPBACK_WEBHOOKS: "1", LEASE_MS: "3000", LOG_LEVEL: "error" };
  return startLocal({ DATA_DIR: folder, MODELS: model, ...flags });
}

function signal(role: RunningProcess["role"], name: NodeJS.Signals): void {
  for (const each of ours()) if (each.role === role) process.kill(each.pid, name);
}

/** Kills all processes of these roles. Without their API process, all others must end by themselves. */
async function kill(roles: readonly RunningProcess["role"][]): Promise<void> {
  for (const role of roles) signal(role, "SIGKILL");
  if (roles.includes("api")) await eventually(() => expect(ours()).toEqual([]));
}

/** Creates a video. Retries until there is an answer, as clients with an idempotency key may. */
async function create(client: () => Promise<Client>, name: string): Promise<Video> {
  const request = { prompt: `a red circle ${name}`, steps: 120, cache: "off", webhook_url: receiver.url };
  for (;;) {
    try {
      const headers = { "idempotency-key": name };
      return await (await client()).ask<Video>("POST", "/v1/videos", request, headers);
    } catch (error) {
      // `fetch` throws a TypeError if a connection is refused or broken.
      if (!(error instanceof TypeError)) throw error;
      await sleep(50);
    }
  }
}

describe.skipIf(!hasProcessList)("a process that is killed at any moment", () => {
  it(`every acknowledged job ends once and is notified, whatever is killed (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    let started = start();
    const { key } = await started;
    const client = async () => clientOf((await started).url, key!);
    const acknowledged = new Map<string, Promise<Video>>();

    for (const [turn, roles] of KILLS.entries()) {
      for (const each of ["a", "b"]) acknowledged.set(`${turn}${each}`, create(client, `${turn}${each}`));
      await sleep(random.integer(50, 1200));
      await kill(roles);
      if (roles.includes("api")) started = start();
      await started;
    }

    let losses = 0;
    for (const [name, answer] of acknowledged) {
      const { id } = await answer;
      const { status } = await (await client()).finished(id);
      await eventually(() => expect(receiver.received.some(({ body }) => body.includes(id))).toBe(true));
      const events = await (await client()).ask<VideoEvents>("GET", `/v1/videos/${id}/events`);
      const ends = events.lifecycle.filter(({ type }) => ["completed", "failed", "cancelled"].includes(type));
      expect(ends).toEqual([expect.objectContaining({ type: status })]);
      const told = receiver.received.filter(({ body }) => body.includes(id));
      expect(new Set(told.map((each) => `${each.id} ${each.body}`)).size).toBe(1);
      expect(JSON.parse(told[0]!.body)).toMatchObject({ type: `video.${status}`, data: { id, status } });
      expect((await create(client, name)).id).toBe(id);
      losses += events.lifecycle.filter(({ type }) => type === "lost").length;
    }
    // Without losses the kills would have hit no job.
    expect(losses).toBeGreaterThan(0);

    const { child, ended } = await started;
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(ours()).toEqual([]);
  });

  /** Starts a service with a job under way that gets no further, because the process of its model is stopped. */
  async function startHeld() {
    const service = await start();
    const client = clientOf(service.url, service.key ?? service.sessionKey!);
    const request = { prompt: "a red circle moves", steps: 2 };
    await client.finished((await client.create(request)).id);
    signal("pipeline", "SIGSTOP");
    const { id } = await client.create(request);
    await eventually(async () => expect((await client.read(id)).status).toBe("in_progress"));
    const next = await client.create(request);
    return { ...service, client, id, next };
  }

  for (const [roles, end] of [
    [["pipeline"], "retried"],
    [["pipeline", "gpu"], "lost"],
  ] as const) {
    it(`a stopped process (${roles.join(", ")}) holds up neither its job nor the next one`, async () => {
      const { client, id, next, child, ended } = await startHeld();
      if (roles.some((role) => role === "gpu")) {
        signal("gpu", "SIGSTOP");
        const health = async () => (await client.ask<{ status: string }>("GET", "/healthz")).status;
        for (const status of ["degraded", "ok"])
          await eventually(async () => expect(await health()).toBe(status));
      }
      for (const video of [id, next.id]) expect((await client.finished(video)).status).toBe("completed");
      const events = await client.ask<VideoEvents>("GET", `/v1/videos/${id}/events`);
      const types = events.lifecycle.map(({ type }) => type);
      expect(types).toEqual(["created", "claimed", end, "claimed", "completed"]);
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
    });
  }

  it("a stopped process does not outlive its parent", async () => {
    await startHeld();
    signal("gpu", "SIGSTOP");
    await kill(["api"]);
  });

  it("a start that is killed leaves nothing behind", async () => {
    for (const delayMs of [200, 500, 800, 1100]) {
      const starting = Promise.allSettled([start()]);
      await sleep(delayMs);
      await kill(["api"]);
      await starting;
    }
    expect(ours()).toEqual([]);
  });
});
