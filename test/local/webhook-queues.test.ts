import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { webhookQueues } from "../../functions/local/webhook-queues.ts";
import { newVideoId } from "../../lib/service/jobs/index.ts";
import { keyRing } from "../../lib/service/keys/index.ts";
import { type Post, webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { system } from "../../lib/shared/system.ts";
import { eventually } from "../eventually.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

const answer = { ok: true, status: 204, retryAfterSeconds: null, milliseconds: 1 } as const;

/** Opens the queues over a store in memory, with receivers of which those named `silent` never answer. */
function open() {
  const { store, jobs, clock } = openJobs();
  const ring = keyRing(randomBytes(32), system.random);
  const posted: string[] = [];
  const post: Post = (url) => {
    posted.push(new URL(url).host);
    return url.includes("silent") ? new Promise(() => undefined) : Promise.resolve(answer);
  };
  const errors: unknown[] = [];
  const queues = webhookQueues(
    {
      jobs,
      ring,
      post,
      clock,
      endpoints: webhookEndpoints({ store, ring, clock, random: randomBytes, sleep: system.sleep }),
      spread: () => 0.5,
    },
    (error) => errors.push(error),
  );
  /** Makes a job of a tenant that is over, and hints at it. */
  async function finish(tenant: string, url: string): Promise<void> {
    const job = { ...newJob, tenant, id: newVideoId(clock, randomBytes) };
    await jobs.create({ ...job, webhook: { url, events: ["video.failed"] } }, { unfinishedMax: 1000 });
    await jobs.apply(job, { type: "cancel" });
    queues.add(job);
  }
  return {
    queues,
    posted,
    errors,
    finish,
    undelivered: () => [...store.objects.keys()].filter(isMarker).length,
  };
}

const isMarker = (key: string) => key.startsWith("undelivered/");

/** Waits until nothing is left that waits only for promises. */
const still = async () => {
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
};

it("a webhook of another tenant is sent while a thousand of one tenant wait for silent receivers", async () => {
  const { posted, errors, finish, undelivered } = open();
  for (let index = 0; index < 1000; index += 1) await finish("noisy", `https://silent${index % 7}.example/`);
  await still();
  expect(posted).toHaveLength(16);
  await finish("quiet", "https://hooks.example/");
  await eventually(() => expect(posted.at(-1)).toBe("hooks.example"));
  await eventually(() => expect(undelivered()).toBe(1000));
  expect(posted).toHaveLength(17);
  expect(errors).toEqual([]);
});

it("a webhook whose plan is under way when the queues close is sent before they have closed", async () => {
  const { queues, posted, finish, undelivered } = open();
  await finish("acme", "https://hooks.example/");
  await queues.close();
  expect(posted).toEqual(["hooks.example"]);
  expect(undelivered()).toBe(0);
});

it("a webhook to another receiver of the tenant is sent while one receiver is silent", async () => {
  const { posted, finish } = open();
  for (let index = 0; index < 100; index += 1) await finish("acme", "https://silent.example/");
  await still();
  expect(posted).toEqual(Array(4).fill("silent.example"));
  await finish("acme", "https://hooks.example/");
  await eventually(() => expect(posted.at(-1)).toBe("hooks.example"));
});
