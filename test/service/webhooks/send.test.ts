import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { describe, expect, it, vi } from "vitest";
import { type JobStore, jobKey } from "../../../lib/service/jobs/index.ts";
import { keyRing } from "../../../lib/service/keys/index.ts";
import type { PostResult } from "../../../lib/service/net/index.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import {
  deliverWebhooks,
  type Endpoints,
  type Post,
  redeliver,
  requestSecret,
  type SenderOptions,
  webhookEndpoints,
} from "../../../lib/service/webhooks/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { intercepted, losingAnswers } from "../jobs/failing-store.ts";
import { openJobs } from "../jobs/open-jobs.ts";
import { newJob } from "../jobs/sample-job.ts";

interface Posted {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Opens a finished job of `acme`, and a network that answers with `status`. */
async function setUp({ webhook = newJob.webhook, status = 200 } = {}) {
  const { store, jobs, clock, pass, through } = openJobs();
  const ring = keyRing(randomBytes(32), system.random);
  const endpoints = webhookEndpoints({ store, ring, clock, random: randomBytes, sleep: system.sleep });
  const network = { status, posted: [] as Posted[] };
  const post: Post = async (url, { headers, body }): Promise<PostResult> => {
    network.posted.push({ url, headers: { ...headers }, body: String(body) });
    return { ok: true, status: network.status, retryAfterSeconds: null, milliseconds: 1 };
  };
  await jobs.create({ ...newJob, webhook }, { unfinishedMax: 10 });
  await jobs.apply(newJob, { type: "cancel" });
  const options = { jobs, endpoints, ring, post, clock, spread: () => 0.5 };
  const deliver = (own: Partial<SenderOptions> = {}) => deliverWebhooks({ ...options, ...own }, newJob);
  return { store, jobs, through, clock, pass, ring, endpoints, network, post, deliver };
}

async function undelivered(jobs: JobStore): Promise<number> {
  let count = 0;
  for await (const _ of jobs.undelivered()) count += 1;
  return count;
}

const register = (endpoints: Endpoints, url = "https://hooks.example/a") =>
  endpoints.create("acme", { name: "a", url, eventTypes: ["video.failed"] });

describe("delivering", () => {
  it("a delivery is signed so that another implementation verifies it, with each receiver's secret", async () => {
    const { network, deliver, endpoints, ring, clock } = await setUp();
    const endpoint = await register(endpoints);
    await deliver();
    expect(network.posted.map(({ url }) => url).sort()).toEqual([
      "https://acme.example/hook",
      "https://hooks.example/a",
    ]);
    for (const { url, headers, body } of network.posted) {
      const isEndpoint = url === endpoint.url;
      const secret = isEndpoint ? endpoints.secrets(endpoint)[0]! : requestSecret(ring, "acme");
      // The verifier reads the real clock, so the body is signed again with the current time.
      expect(Number(headers["webhook-timestamp"])).toBe(Math.floor(clock.now() / 1000));
      const expected = new Webhook(secret).sign(headers["webhook-id"]!, new Date(clock.now()), body);
      expect(headers["webhook-signature"]).toBe(expected);
    }
  });

  it("a delivery is signed with two secrets for a day after a rotation that keeps the old one", async () => {
    const { network, deliver, endpoints, clock } = await setUp({ webhook: null });
    const { id } = await register(endpoints);
    const before = endpoints.secrets((await endpoints.read("acme", id))!);
    await endpoints.rotate("acme", id, 86_400_000);
    await deliver();
    const [{ headers, body }] = network.posted as [Posted];
    const signatures = headers["webhook-signature"]!.split(" ");
    expect(signatures).toHaveLength(2);
    const byOld = new Webhook(before[0]!).sign(headers["webhook-id"]!, new Date(clock.now()), body);
    expect(signatures).toContain(byOld);
  });

  it("the marker is removed once all deliveries are settled, and not before", async () => {
    const { jobs, network, deliver, pass, clock } = await setUp({ status: 500 });
    const { nextAt } = await deliver();
    expect(await undelivered(jobs)).toBe(1);
    network.status = 204;
    pass(5000);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: true });
    expect(await undelivered(jobs)).toBe(0);
    expect(nextAt).toBe(clock.now());
  });

  it("every attempt has the same id and the same bytes, with its own time", async () => {
    const { network, deliver, pass } = await setUp({ status: 500 });
    for (let attempt = 0; attempt < 3; attempt++) {
      await deliver();
      pass(2 * 3_600_000);
    }
    const [first, ...others] = network.posted as [Posted, ...Posted[]];
    expect(others).toHaveLength(2);
    for (const other of others) {
      expect(other.body).toBe(first.body);
      expect(other.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
      expect(other.headers["webhook-timestamp"]).not.toBe(first.headers["webhook-timestamp"]);
    }
  });

  it("a delivery is not sent before its time", async () => {
    const { network, deliver, pass } = await setUp({ status: 500 });
    await deliver();
    pass(4999);
    await deliver();
    expect(network.posted).toHaveLength(1);
  });

  it("a 410 disables the endpoint, which is told nothing more", async () => {
    const { network, deliver, endpoints, jobs } = await setUp({ webhook: null, status: 410 });
    const { id } = await register(endpoints);
    expect((await deliver()).nextAt).toBeNull();
    expect((await endpoints.read("acme", id))!.disabledAt).not.toBeNull();
    await jobs.updateEvents(newJob, (record) => ({ events: redeliver(record, null, 0)! }));
    await deliver();
    expect(network.posted).toHaveLength(1);
    await endpoints.update("acme", id, { url: "https://hooks.example/b" });
    expect((await endpoints.read("acme", id))!.disabledAt).toBeNull();
  });

  it("a delivery goes to the endpoint's current URL, and nowhere once the endpoint was deleted", async () => {
    const { network, deliver, endpoints, pass, jobs } = await setUp({ webhook: null, status: 500 });
    const { id } = await register(endpoints);
    await deliver();
    await endpoints.update("acme", id, { url: "https://hooks.example/moved" });
    pass(6000);
    await deliver();
    await endpoints.delete("acme", id);
    pass(3_600_000);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: false });
    expect(network.posted.map(({ url }) => url)).toEqual([
      "https://hooks.example/a",
      "https://hooks.example/moved",
    ]);
    expect(await undelivered(jobs)).toBe(0);
  });

  it("a delivery never goes to other tenants' endpoints", async () => {
    const { deliver, network, endpoints } = await setUp({ webhook: null });
    await endpoints.create("rival", {
      name: "r",
      url: "https://rival.example",
      eventTypes: ["video.failed"],
    });
    await deliver();
    expect(network.posted).toEqual([]);
  });

  it("a delivery for a forgotten job only removes its marker", async () => {
    const { deliver, jobs } = await setUp();
    await jobs.purge("acme", newJob.createdAt + 1);
    await jobs.markUndelivered(newJob);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: false });
    expect(await undelivered(jobs)).toBe(0);
  });

  it("the marker of a redelivery stays if it was requested while the last one ended", async () => {
    const { deliver, jobs, network } = await setUp();
    await deliver();
    const events = (await jobs.read(newJob))!.events;
    expect(network.posted).toHaveLength(1);
    await jobs.updateEvents(newJob, (record) => ({ events: redeliver(record, events.at(-1)!.id, 0)! }));
    await jobs.markUndelivered(newJob);
    await deliver();
    expect(network.posted).toHaveLength(2);
    expect(await undelivered(jobs)).toBe(0);
  });
});

describe("many senders at once", () => {
  it("exactly one of several concurrent senders sends, and only it reports so", async () => {
    const { deliver, network, jobs } = await setUp();
    const runs = await Promise.all([deliver(), deliver(), deliver()]);
    expect(network.posted).toHaveLength(1);
    expect(runs.filter(({ hasSent }) => hasSent)).toHaveLength(1);
    expect(await undelivered(jobs)).toBe(0);
  });

  it("concurrent senders send once, in whatever order their writes fall", async () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const { deliver, network, store, through, endpoints } = await setUp({ status: 500 });
      await register(endpoints);
      const slow = intercepted(store, async (_name, _key, operation) => {
        await sleep(randomBytes(1)[0]! / 100);
        return operation();
      });
      await Promise.all([1, 2, 3].map(() => deliver({ jobs: through(slow) })));
      expect(network.posted).toHaveLength(2);
    }
  });

  it("a delivery belongs to the sender that took it, until another takes it over a minute later", async () => {
    const { deliver, network, pass } = await setUp();
    const dead: Post = () => new Promise(() => undefined);
    void deliver({ post: dead });
    await vi.waitFor(async () => expect((await deliver()).nextAt).not.toBeNull());
    pass(59_999);
    expect((await deliver()).hasSent).toBe(false);
    pass(1);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: true });
    expect(network.posted).toHaveLength(1);
  });

  it("a slow sender changes nothing of the result that another recorded", async () => {
    const { deliver, pass, jobs, post } = await setUp();
    const slow: Post = async (url, options) => {
      pass(60_000);
      await deliver();
      return { ...(await post(url, options)), ok: false, reason: "timeout" };
    };
    await deliver({ post: slow });
    const [delivery] = (await jobs.read(newJob))!.events.at(-1)!.deliveries!;
    expect(delivery).toMatchObject({ state: "delivered", attempts: [{ status: 200 }] });
  });
});

it("the first attempt costs two writes of the record: the taking and the result", async () => {
  const { deliver, store, through } = await setUp();
  const written: string[] = [];
  const counting = intercepted(store, (name, key, operation) => {
    if (name === "put") written.push(key);
    return operation();
  });
  await deliver({ jobs: through(counting) });
  expect(written).toEqual([jobKey(newJob), jobKey(newJob)]);
});

it("a delivery whose taking got no answer is still sent once", async () => {
  const { deliver, network, store, through } = await setUp();
  const run = await deliver({ jobs: through(losingAnswers(store, 2)) });
  expect(run).toEqual({ nextAt: null, hasSent: true });
  expect(network.posted).toHaveLength(1);
});

it("a late write of a taking counts only what was due when it began", async () => {
  const { deliver, endpoints, store, through, pass, network, post } = await setUp({ status: 500 });
  const { url: patient } = await register(endpoints);
  const asked: Post = async (url, options) => {
    const result = await post(url, options);
    return result.ok && url === patient ? { ...result, retryAfterSeconds: 10 } : result;
  };
  await deliver({ post: asked });
  pass(5000);
  let late: (() => Promise<unknown>) | null = null;
  let puts = 0;
  const lateOnce = intercepted(store, async (name, _key, operation) => {
    if (name !== "put") return operation();
    puts += 1;
    if (puts === 1) {
      late = operation;
      pass(5000);
      throw new StoreError("unavailable", "The write is still on its way.");
    }
    if (puts === 2) await late!();
    return operation();
  });
  await deliver({ post: asked, jobs: through(lateOnce) });
  expect(puts).toBe(3);
  expect(network.posted.filter(({ url }) => url === patient)).toHaveLength(1);
  expect(network.posted).toHaveLength(3);
});

it("a redelivery that is requested during an attempt is made after it", async () => {
  const { deliver, jobs, network, post, clock } = await setUp();
  const askedFor: Post = async (url, options) => {
    await jobs.updateEvents(newJob, (record) => ({ events: redeliver(record, null, clock.now())! }));
    return post(url, options);
  };
  expect((await deliver({ post: askedFor })).nextAt).toBe(clock.now());
  expect(await deliver()).toEqual({ nextAt: null, hasSent: true });
  expect(network.posted).toHaveLength(2);
});
