import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { sendWebhooks } from "../../functions/webhook/webhook.ts";
import { keyRing } from "../../lib/service/keys/index.ts";
import { webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { system } from "../../lib/shared/system.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob } from "../service/jobs/sample-job.ts";

/** Opens a finished job, and a receiver that answers with 500. */
async function setUp() {
  const { store, jobs, clock, pass } = openJobs();
  const ring = keyRing(randomBytes(32), system.random);
  const receiver = { status: 500, posts: 0 };
  const delays: (number | undefined)[] = [];
  await jobs.create(newJob, { unfinishedMax: 10 });
  await jobs.apply(newJob, { type: "cancel" });
  const deps = {
    jobs,
    ring,
    endpoints: webhookEndpoints({ store, ring, clock, random: randomBytes, sleep: system.sleep }),
    post: async () => {
      receiver.posts += 1;
      return { ok: true, status: receiver.status, retryAfterSeconds: null, milliseconds: 1 } as const;
    },
    hints: { webhooks: async (_ref: unknown, delaySeconds?: number) => void delays.push(delaySeconds) },
    clock,
    spread: () => 0.5,
  };
  return { receiver, delays, pass, send: () => sendWebhooks(deps, newJob) };
}

it("a sender comes again a second after the next attempt is due, to allow for clock skew", async () => {
  const { send, delays } = await setUp();
  expect(await send()).toBe("sent");
  expect(delays).toEqual([6]);
});

it("a sender that finds nothing due plans nothing", async () => {
  const { send, delays } = await setUp();
  const outcomes = await Promise.all([send(), send(), send()]);
  expect(outcomes.sort()).toEqual(["nothing due", "nothing due", "sent"]);
  expect(delays).toEqual([6]);
});

it("a wait longer than a message's delay is left to the sweeper", async () => {
  const { send, delays, pass } = await setUp();
  for (const waitMs of [5_000, 300_000, 1_800_000]) {
    await send();
    pass(waitMs);
  }
  expect(delays).toEqual([6, 301]);
});

it("a settled job's sender does not come again", async () => {
  const { send, delays, receiver } = await setUp();
  receiver.status = 204;
  expect(await send()).toBe("sent");
  expect(delays).toEqual([]);
});
