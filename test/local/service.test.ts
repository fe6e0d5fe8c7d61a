import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Video, VideoEvents } from "../../functions/api/schemas/video.ts";
import type { EndpointView } from "../../functions/api/schemas/webhook-endpoint.ts";
import { runKeys } from "../cli/run-keys.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { type Client, clientOf, type LocalService, startLocal } from "./local-service.ts";
import { hasProcessList, processesWith } from "./processes.ts";
import { openReceiver, type Received, type Receiver } from "./receiver.ts";

/** Time limit, generous for slow machines. No test waits for a fixed time. */
const TIMEOUT_MS = 300_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

const PROMPT = "a heron of lapis lazuli wades through mercury";
const SECRET_PATH = "/hook/of/mine-8b1f";

type WithSecret = EndpointView & { signing_secret: string };

let folder: string;
let model: string;
let receiver: Receiver;
let first: LocalService;
let service: LocalService;
let client: Client;

const quick = { prompt: PROMPT, steps: 4, seed: 5 };
/** Request with more steps than any test waits for. */
const endless = { prompt: PROMPT, steps: 1000, cache: "off" };

beforeAll(async () => {
  [folder, model] = await Promise.all([mkdtemp(join(tmpdir(), "adareel-local-")), writeTinyModel()]);
  receiver = await openReceiver((path, nth) => {
    if (path === "/fails-once") return { status: nth === 0 ? 500 : 204 };
    if (path === "/gone") return { status: 410 };
    return path === "/moved" ? { status: 302, location: "/elsewhere" } : { status: 204 };
  });
  const env = { DATA_DIR: folder, MODELS: model };
  first = await startLocal(env);
  await refusesLoopback(clientOf(first.url, first.key!));
  first.child.kill("SIGTERM");
  await first.ended;
  service = await startLocal({ ...env, ALLOW_LOOPBACK_WEBHOOKS: "1" });
  client = clientOf(service.url, first.key!);
});
afterAll(async () => {
  service?.child.kill("SIGTERM");
  await service?.ended;
  await receiver?.close();
  for (const path of [folder, model]) await rm(path, { recursive: true, force: true });
});

/** Expects loopback URLs to be refused: the first service runs without ALLOW_LOOPBACK_WEBHOOKS. */
async function refusesLoopback(client: Client): Promise<void> {
  for (const host of ["127.0.0.1", "localhost", "[::1]", "2130706433"]) {
    const url = `http://${host}:${new URL(receiver.url).port}/`;
    const endpoint = await client.send("POST", "/v1/webhook_endpoints", { url });
    const video = await client.send("POST", "/v1/videos", { ...quick, webhook_url: url });
    for (const answer of [endpoint, video]) {
      expect([answer.status, await codeOf(answer)]).toEqual([400, "invalid_webhook_url"]);
    }
  }
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { error: { code: string } }).error.code;
}

function verified({ headers, body }: Received, secret: string): { id: string; type: string; data: Video } {
  return new Webhook(secret).verify(body, headers as Record<string, string>) as never;
}

function register(path: string): Promise<WithSecret> {
  return client.ask("POST", "/v1/webhook_endpoints", { url: receiver.url + path });
}

function eventsOf(id: string): Promise<VideoEvents> {
  return client.ask("GET", `/v1/videos/${id}/events`);
}

/** Waits for the delivery of a video's last event to one target to have the expected state. */
async function deliveriesTo(path: string, id: string, hasCome: (state: string) => boolean) {
  return eventually(async () => {
    const { webhooks } = await eventsOf(id);
    const { deliveries } = webhooks.at(-1)!;
    const delivery = deliveries?.find(({ url }) => url === receiver.url + path);
    expect(delivery && delivery.attempts.length > 0 && hasCome(delivery.state)).toBe(true);
    return delivery!;
  });
}

describe("starting", () => {
  it("the first start prints a key that stays and the second only that of its link, and nothing else is on stdout", () => {
    expect(new Set(first.stdout.match(/adr_\S{56}/g))).toEqual(new Set([first.sessionKey, first.key]));
    expect(new Set(service.stdout.match(/adr_\S{56}/g))).toEqual(new Set([service.sessionKey]));
    expect(new Set([first.key, first.sessionKey, service.sessionKey]).size).toBe(3);
    for (const { stdout, url } of [first, service]) {
      expect(stdout).toMatch(new RegExp(`^Adareel listens on ${url}\n`));
      expect(stdout).not.toContain('{"level"');
    }
  });
});

describe("a video", () => {
  it("a video is in the answer of a request that waits for it, and its file has a signed URL", async () => {
    const video = await client.ask<Video>("POST", "/v1/videos", quick, { prefer: "wait=25" });
    const { id, status, compute, url } =
      video.status === "completed" ? video : await client.finished(video.id);
    expect([status, compute!.steps.requested]).toEqual(["completed", 4]);
    const whole = Buffer.from(await (await fetch(url!)).arrayBuffer());
    expect(whole.length).toBe(compute!.video.bytes);
    const part = await fetch(url!, { headers: { range: "bytes=4-7" } });
    expect([part.status, await part.text()]).toEqual([206, whole.toString("latin1", 4, 8)]);
    const content = await client.send("GET", `/v1/videos/${id}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(whole)).toBe(true);
  });

  it("a video with a comparison has both files and their differences", async () => {
    const { id } = await client.create({ ...quick, compare: true, cache: "fast" });
    const { compute, uncached_url: uncached, url } = await client.finished(id);
    expect(compute!.comparison).toMatchObject({ ssim: expect.any(Number), speedup: expect.any(Number) });
    for (const each of [url, uncached]) expect((await fetch(each!, { method: "HEAD" })).status).toBe(200);
  });

  it("a video that is cancelled in the middle makes room for the next", async () => {
    const { id } = await client.create(endless);
    await eventually(async () => expect((await client.read(id)).steps_done).toBeGreaterThan(0));
    const next = await client.create(quick);
    expect((await client.read(next.id)).status).toBe("queued");
    const cancelled = await client.ask<Video>("POST", `/v1/videos/${id}/cancel`);
    expect(cancelled).toMatchObject({ status: "failed", error: { code: "canceled" } });
    expect((await client.finished(next.id)).status).toBe("completed");
    // The worker was told during its work, and not only by the refusal of its last write.
    expect(service.stderr).toMatch(new RegExp(`"id":"${id}",.*"status":"cancelled","lost":"finished"`));
    expect(await client.read(id)).toMatchObject({ status: "failed", error: { code: "canceled" } });
  });
});

describe("a webhook", () => {
  it("a webhook to the address of the request is signed with the tenant's secret", async () => {
    const { signing_secret: secret } = await client.ask<WithSecret>("GET", "/v1/webhook_secret");
    const { id } = await client.create({ ...quick, webhook_url: receiver.url + SECRET_PATH });
    const [received] = await receiver.at(SECRET_PATH, 1);
    expect(verified(received!, secret)).toMatchObject({ type: "video.completed", data: { id } });
    expect(received!.body).not.toContain(PROMPT);
  });

  it("a webhook to an endpoint with a rotated secret is signed with both, and sent again on demand", async () => {
    const endpoint = await register("/rotated");
    const rotated = await client.ask<WithSecret>(
      "POST",
      `/v1/webhook_endpoints/${endpoint.id}/rotate_secret`,
      {
        keep_old_secret_active_for_24_hours: true,
      },
    );
    const { id } = await client.create(quick);
    const [received] = await receiver.at("/rotated", 1);
    expect(String(received!.headers["webhook-signature"]).split(" ")).toHaveLength(2);
    for (const { signing_secret: secret } of [endpoint, rotated]) {
      expect(verified(received!, secret).data.id).toBe(id);
    }
    await deliveriesTo("/rotated", id, (state) => state === "delivered");
    await client.ask("POST", `/v1/videos/${id}/webhooks/redeliver`, {});
    const [before, after] = await receiver.at("/rotated", 2);
    expect([after!.id, after!.body]).toEqual([before!.id, before!.body]);
    await client.ask("DELETE", `/v1/webhook_endpoints/${endpoint.id}`);
  });

  it("a failed webhook is retried with the same id and the same bytes", async () => {
    const { id } = await client.create({ ...quick, webhook_url: `${receiver.url}/fails-once` });
    const [before, after] = await receiver.at("/fails-once", 2);
    expect([after!.id, after!.body]).toEqual([before!.id, before!.body]);
    const { attempts } = await deliveriesTo("/fails-once", id, (state) => state === "delivered");
    expect(attempts.map(({ status }) => status)).toEqual([500, 204]);
  });

  it("a webhook that is answered with 410 disables its endpoint", async () => {
    const endpoint = await register("/gone");
    const { id } = await client.create(quick);
    await deliveriesTo("/gone", id, (state) => state === "disabled");
    const view = await eventually(async () => {
      const now = await client.ask<EndpointView>("GET", `/v1/webhook_endpoints/${endpoint.id}`);
      expect(now.disabled_at).not.toBeNull();
      return now;
    });
    expect(view.disabled_at).toEqual(expect.any(Number));
    const next = await client.create(quick);
    await client.finished(next.id);
    await eventually(async () => {
      const { webhooks } = await eventsOf(next.id);
      expect(webhooks.every(({ deliveries }) => deliveries?.length === 0)).toBe(true);
    });
    expect(await receiver.at("/gone", 1)).toHaveLength(1);
  });

  it("a redirected webhook counts as failed, is shown as such, and goes nowhere else", async () => {
    const { id } = await client.create({ ...quick, webhook_url: `${receiver.url}/moved` });
    const delivery = await deliveriesTo("/moved", id, (state) => state === "pending");
    expect(delivery.attempts[0]).toMatchObject({ status: 302, reason: null });
    expect(delivery.next_attempt_at).toEqual(expect.any(Number));
    expect(receiver.received.filter(({ path }) => path === "/elsewhere")).toEqual([]);
  });
});

describe("a running service", () => {
  it("a running service accepts a key made beside it, and soon refuses a revoked one", async () => {
    const made = await runKeys(["create"], folder, { DATA_DIR: folder });
    const other = clientOf(service.url, made.stdout.trim());
    expect((await other.send("GET", "/v1/models")).status).toBe(200);
    await runKeys(["revoke", made.stdout.split("_")[1]!], folder, { DATA_DIR: folder });
    await eventually(async () => {
      expect((await other.send("GET", "/v1/models")).status).toBe(401);
    });
  });

  it("a running service counts every job once", async () => {
    const { data } = await client.ask<{ data: Video[] }>("GET", "/v1/videos?limit=100");
    const count = (status: string) => data.filter((video) => video.status === status).length;
    const text = await (await fetch(`${service.url}/metrics`)).text();
    expect(text).toContain(`adareel_jobs_total{status="completed",error=""} ${count("completed")}\n`);
    expect(text).toContain(`adareel_jobs_total{status="cancelled",error="canceled"} ${count("failed")}\n`);
    expect(text).toMatch(/^adareel_webhook_attempts_total\{outcome="3xx"\} [1-9]/m);
    expect(text).not.toMatch(/default|video_/);
  });

  it("a stopping service lets the running video end, and its webhook go out", async () => {
    const { id } = await client.create({ ...quick, steps: 100, webhook_url: `${receiver.url}/last` });
    await eventually(async () => expect((await client.read(id)).status).toBe("in_progress"));
    await client.create(endless);
    service.child.kill("SIGTERM");
    expect(await service.ended).toBe(0);
    const [received] = await receiver.at("/last", 1);
    expect(JSON.parse(received!.body)).toMatchObject({ type: "video.completed", data: { id } });
    expect(service.stderr).not.toContain("a hint failed");
    if (hasProcessList) expect(processesWith("DATA_DIR", folder)).toEqual([]);
  });

  it("the service logs request and job ids, and no prompt, address, key or signature", async () => {
    const lines = service.stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const jobs = lines.filter(({ msg }) => msg === "job");
    expect(jobs.length).toBeGreaterThan(5);
    for (const { id, tenant, status } of jobs) {
      expect(id).toMatch(/^video_/);
      expect([tenant, typeof status]).toEqual(["default", "string"]);
    }
    const requests = lines.filter(({ msg }) => msg === "request");
    for (const { requestId, route } of requests) expect([requestId, route]).not.toContain(undefined);
    expect(requests.some(({ videoId }) => typeof videoId === "string")).toBe(true);
    const secrets = [...PROMPT.split(" ").filter((word) => word.length > 4), SECRET_PATH, receiver.url];
    for (const secret of [...secrets, first.key!.split("_").at(-1)!, "signature=", "whsec_", "Bearer"]) {
      expect(first.stderr + service.stderr).not.toContain(secret);
    }
  });
});
