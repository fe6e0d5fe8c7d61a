import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { handleWebhooks, type WebhookDeps } from "../../functions/webhook/webhook.ts";
import { type JobRef, jobKey } from "../../lib/service/jobs/index.ts";
import { keyRing } from "../../lib/service/keys/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { system } from "../../lib/shared/system.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

const ref: JobRef = { tenant: newJob.tenant, id: newJob.id };

/** Opens a finished job, and a receiver that answers with 500. */
async function setUp() {
  const { store, jobs, clock, pass, through } = openJobs();
  const ring = keyRing(randomBytes(32), system.random);
  const receiver = { status: 500, posts: 0 };
  const delays: (number | undefined)[] = [];
  const handedOn: string[] = [];
  const errors: unknown[] = [];
  await jobs.create(newJob, { unfinishedMax: 10 });
  await jobs.apply(newJob, { type: "cancel" });
  const deps: WebhookDeps = {
    jobs,
    ring,
    endpoints: webhookEndpoints({ store, ring, clock, random: randomBytes, sleep: system.sleep }),
    post: async () => {
      receiver.posts += 1;
      return { ok: true, status: receiver.status, retryAfterSeconds: null, milliseconds: 1 } as const;
    },
    hints: { webhooks: async (_ref: unknown, delaySeconds?: number) => void delays.push(delaySeconds) },
    sendHints: async (_ref, host) => void handedOn.push(host),
    onError: (error) => void errors.push(error),
    clock,
    spread: () => 0.5,
  };
  const plan = () => handleWebhooks(deps, ref);
  const send = (own: Partial<WebhookDeps> = {}) =>
    handleWebhooks({ ...deps, ...own }, { ...ref, receiver: "acme.example" });
  return { deps, receiver, delays, handedOn, errors, store, through, pass, plan, send };
}

it("a hint at a job is handed on for each receiver that something is due for, and sends nothing itself", async () => {
  const { plan, send, handedOn, receiver, delays } = await setUp();
  expect(await plan()).toBe("handed on");
  expect(handedOn).toEqual(["acme.example"]);
  expect(receiver.posts).toBe(0);
  await send();
  expect(await plan()).toBe("nothing due");
  expect([handedOn.length, delays.length]).toEqual([1, 1]);
});

it("a hint at a job of which nothing is due costs one read", async () => {
  const { deps, plan, send, store, through } = await setUp();
  await plan();
  await send();
  const calls: string[] = [];
  const watched = through(
    intercepted(store, (name, key, operation) => {
      calls.push(`${name} ${key}`);
      return operation();
    }),
  );
  expect(await handleWebhooks({ ...deps, jobs: watched }, ref)).toBe("nothing due");
  expect(calls).toEqual([`get ${jobKey(newJob)}`]);
});

it("a sender comes again a second after the next attempt is due, to allow for clock skew", async () => {
  const { plan, send, delays } = await setUp();
  await plan();
  expect(await send()).toBe("sent");
  expect(delays).toEqual([6]);
});

it("a sender that finds nothing due plans nothing", async () => {
  const { plan, send, delays } = await setUp();
  await plan();
  const outcomes = await Promise.all([send(), send(), send()]);
  expect(outcomes.sort()).toEqual(["nothing due", "nothing due", "sent"]);
  expect(delays).toEqual([6]);
});

it("a wait longer than a message's delay is left to the sweeper", async () => {
  const { plan, send, delays, pass } = await setUp();
  await plan();
  for (const waitMs of [5_000, 300_000, 1_800_000]) {
    await send();
    pass(waitMs);
  }
  expect(delays).toEqual([6, 301]);
});

it("a settled job's sender does not come again", async () => {
  const { plan, send, delays, receiver } = await setUp();
  await plan();
  receiver.status = 204;
  expect(await send()).toBe("sent");
  expect(delays).toEqual([]);
});

it("a sender that fails gives its message back as done, because it would hold up its group", async () => {
  const { plan, send, errors, store, through } = await setUp();
  await plan();
  const error = new StoreError("unavailable", "The store does not answer.");
  const silent = through(intercepted(store, () => Promise.reject(error)));
  expect(await send({ jobs: silent })).toBe("failed");
  expect(errors).toEqual([error]);
});
