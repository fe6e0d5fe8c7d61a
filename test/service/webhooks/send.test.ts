import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { jobKey } from "../../../lib/service/jobs/index.ts";
import { keyRing } from "../../../lib/service/keys/index.ts";
import type { PostResult } from "../../../lib/service/net/index.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import {
  type Endpoints,
  type Post,
  planWebhooks,
  redeliver,
  requestSecret,
  type SenderOptions,
  webhookEndpoints,
} from "../../../lib/service/webhooks/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { eventually } from "../../eventually.ts";
import { intercepted, losingAnswers } from "../jobs/failing-store.ts";
import type { MemoryStore } from "../jobs/memory-store.ts";
import { openJobs } from "../jobs/open-jobs.ts";
import { newJob } from "../jobs/sample-job.ts";
import { deliverAll } from "./deliver-all.ts";

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
  const deliver = (own: Partial<SenderOptions> = {}) => deliverAll({ ...options, ...own }, newJob);
  return { store, jobs, through, clock, pass, ring, endpoints, network, post, deliver };
}

const undelivered = (store: MemoryStore): number =>
  [...store.objects.keys()].filter((key) => key.startsWith("undelivered/")).length;

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
    const { store, network, deliver, pass, clock } = await setUp({ status: 500 });
    const { nextAt } = await deliver();
    expect(undelivered(store)).toBe(1);
    network.status = 204;
    pass(5000);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: true });
    expect(undelivered(store)).toBe(0);
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
    const { network, deliver, endpoints, pass, store } = await setUp({ webhook: null, status: 500 });
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
    expect(undelivered(store)).toBe(0);
  });

  it("a damaged endpoint is told nothing, and keeps no webhook from the others", async () => {
    for (const isPlanned of [false, true]) {
      const { deliver, network, endpoints, store, pass } = await setUp({ status: isPlanned ? 500 : 200 });
      const { id } = await register(endpoints);
      if (isPlanned) await deliver();
      await store.put(`webhook-endpoints/acme/${id}.json`, new TextEncoder().encode("{"));
      network.status = 200;
      network.posted = [];
      pass(6000);
      expect(await deliver()).toEqual({ nextAt: null, hasSent: true });
      expect(network.posted.map(({ url }) => url)).toEqual(["https://acme.example/hook"]);
      expect(undelivered(store)).toBe(0);
    }
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

  it("a hint at a forgotten job does nothing", async () => {
    const { deliver, jobs } = await setUp();
    await jobs.purge("acme", newJob.createdAt + 1);
    expect(await deliver()).toEqual({ nextAt: null, hasSent: false });
  });

  it("the marker of a redelivery stays if it was requested while the last one ended", async () => {
    const { deliver, jobs, network, clock, store } = await setUp();
    await deliver();
    const events = (await jobs.read(newJob))!.events;
    expect(network.posted).toHaveLength(1);
    await jobs.markUndelivered(newJob, clock.now());
    await jobs.updateEvents(newJob, (record) => ({
      events: redeliver(record, events.at(-1)!.id, clock.now())!,
    }));
    await deliver();
    expect(network.posted).toHaveLength(2);
    expect(undelivered(store)).toBe(0);
  });
});

describe("many deliveries at once", () => {
  it("deliveries to twenty endpoints, the most that a tenant has, are each sent once", async () => {
    for (const hosts of [1, 20]) {
      const { deliver, network, endpoints, store, through } = await setUp({ webhook: null });
      for (let index = 0; index < 20; index += 1)
        await register(endpoints, `https://hooks${index % hosts}.example/${index}`);
      const slow = intercepted(store, async (_name, _key, operation) => {
        await sleep(randomBytes(1)[0]! / 100);
        return operation();
      });
      const jobs = through(slow);
      for (let look = 0; look < 20 / hosts; look += 1) await deliver({ jobs });
      expect(network.posted.map(({ url }) => url).sort()).toEqual(
        Array.from({ length: 20 }, (_, index) => `https://hooks${index % hosts}.example/${index}`).sort(),
      );
      expect(undelivered(store)).toBe(0);
    }
  });

  it("outcomes that arrive together are recorded in one write, and a slow one does not hold back a fast one", async () => {
    const { deliver, endpoints, jobs, store, through, post } = await setUp({ webhook: null });
    for (let index = 0; index < 6; index += 1) await register(endpoints, `https://hooks.example/${index}`);
    const answers: (() => void)[] = [];
    const held: Post = async (url, options) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return post(url, options);
    };
    let writes = 0;
    const counted = through(
      intercepted(store, (name, key, operation) => {
        if (name === "put" && key === jobKey(newJob)) writes += 1;
        return operation();
      }),
    );
    const delivering = deliver({ jobs: counted, post: held });
    await eventually(() => expect(answers).toHaveLength(6));
    expect(writes).toBe(2);
    const delivered = async () => {
      const deliveries = (await jobs.read(newJob))!.events.flatMap((event) => event.deliveries ?? []);
      return deliveries.filter(({ state }) => state === "delivered").length;
    };
    answers[0]!();
    await eventually(async () => expect(await delivered()).toBe(1));
    for (const answer of answers.slice(1)) answer();
    await delivering;
    expect(await delivered()).toBe(6);
    expect(writes).toBe(4);
  });

  it("an outcome that arrives while another is being written is recorded after it", async () => {
    const { deliver, endpoints, jobs, store, through, post } = await setUp({ webhook: null });
    for (const index of [0, 1]) await register(endpoints, `https://hooks.example/${index}`);
    const answers: (() => void)[] = [];
    const held: Post = async (url, options) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return post(url, options);
    };
    let writes = 0;
    const answering = through(
      intercepted(store, async (name, key, operation) => {
        if (name === "put" && key === jobKey(newJob)) writes += 1;
        // The third write, after the plan and the taking, is that of the first outcome.
        if (name === "put" && writes === 3) {
          answers[1]!();
          await sleep(0);
        }
        return operation();
      }),
    );
    const delivering = deliver({ jobs: answering, post: held });
    await eventually(() => expect(answers).toHaveLength(2));
    answers[0]!();
    await delivering;
    const deliveries = (await jobs.read(newJob))!.events.flatMap((event) => event.deliveries ?? []);
    expect(deliveries.map(({ state }) => state)).toEqual(["delivered", "delivered"]);
    expect(writes).toBe(4);
  });
});

it("a sender whose store fails for one delivery ends only after the outcomes of the others are recorded", async () => {
  const { deliver, endpoints, jobs, store, ring, clock, post } = await setUp({ webhook: null });
  const lost = await register(endpoints, "https://hooks.example/0");
  await register(endpoints, "https://hooks.example/1");
  const failing = intercepted(store, async (name, key, operation) => {
    if (name === "get" && key.endsWith(`${lost.id}.json`) && isPlanned)
      throw new StoreError("unavailable", "The store does not answer.");
    return operation();
  });
  let isPlanned = false;
  const slow: Post = async (url, options) => {
    await sleep(50);
    return post(url, options);
  };
  const own = webhookEndpoints({ store: failing, ring, clock, random: randomBytes, sleep: system.sleep });
  await planWebhooks({ jobs, endpoints: own, clock }, newJob);
  isPlanned = true;
  await expect(deliver({ endpoints: own, post: slow })).rejects.toThrow(StoreError);
  const deliveries = (await jobs.read(newJob))!.events.flatMap((event) => event.deliveries ?? []);
  expect(deliveries.map(({ state }) => state).sort()).toEqual(["delivered", "pending"]);
});

describe("many senders at once", () => {
  it("exactly one of several concurrent senders sends, and only it reports so", async () => {
    const { deliver, network, store } = await setUp();
    const runs = await Promise.all([deliver(), deliver(), deliver()]);
    expect(network.posted).toHaveLength(1);
    expect(runs.filter(({ hasSent }) => hasSent)).toHaveLength(1);
    expect(undelivered(store)).toBe(0);
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
    await eventually(async () => expect((await deliver()).nextAt).not.toBeNull());
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

it("the first attempt costs three writes of the record: the plan, the taking and the result", async () => {
  const { deliver, store, through } = await setUp();
  const written: string[] = [];
  const counting = intercepted(store, (name, key, operation) => {
    if (name === "put" && key.startsWith("jobs/")) written.push(key);
    return operation();
  });
  await deliver({ jobs: through(counting) });
  expect(written).toEqual(Array(3).fill(jobKey(newJob)));
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
  const lateOnce = intercepted(store, async (name, key, operation) => {
    if (name !== "put" || !key.startsWith("jobs/")) return operation();
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
