import { expect, it } from "vitest";
import { dispatch } from "../../functions/dispatch/dispatch.ts";
import { processBackend } from "../../functions/local/process-backend.ts";
import { settle } from "../../functions/settle/settle.ts";
import { fairTurns, type JobRef, newVideoId } from "../../lib/service/jobs/index.ts";
import { system } from "../../lib/shared/system.ts";
import { eventually } from "../eventually.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { newJob, outputs, receipt } from "../service/jobs/sample-job.ts";

/** Opens a service with one worker, which completes each job at once, and counts what it does. */
function open() {
  const opened = openJobs();
  const { jobs, clock } = opened;
  const counts = { invocations: 0, lists: 0 };
  const ran: JobRef[] = [];
  const turns = fairTurns({
    store: {
      list(...args) {
        counts.lists += 1;
        return opened.store.list(...args);
      },
    },
    jobs,
    clock,
    canRun: () => true,
  });

  async function invoke(ref: JobRef): Promise<number> {
    counts.invocations += 1;
    for await (const next of turns.next(await jobs.read(ref))) {
      const { ok, record } = await jobs.apply(next, { type: "claim", owner: "worker", leaseMs: 60_000 });
      if (!ok) continue;
      ran.push(next);
      const { attempt } = record;
      await jobs.apply(next, { type: "complete", owner: "worker", attempt, outputs, receipt });
      break;
    }
    return 200;
  }

  const sleep = async () => undefined;
  const backend = processBackend({
    gpus: [{ isListening: true, fault: null, invoke }],
    onEnd: async (message) =>
      void (await settle({ jobs, backend, hints, sleep }, backend.outcomeOf(message))),
  });
  const hints = {
    work: async (ref: JobRef) => void (await dispatch({ jobs, backend, hints, clock, sleep }, ref)),
    webhooks: async () => undefined,
  };
  return {
    counts,
    ran,
    async order(tenant: string, keyId: string): Promise<void> {
      // Ids of one millisecond are in no order.
      opened.pass(1);
      const job = { ...newJob, tenant, keyId, id: newVideoId(clock, system.random) };
      await jobs.create(job, { unfinishedMax: 1000 });
      await hints.work(job);
    },
    idle: () => eventually(async () => expect(await backend.waiting()).toBe(0)),
  };
}

it("the jobs of one key run as before, one invocation each", async () => {
  const { counts, order, idle } = open();
  for (let count = 0; count < 100; count += 1) await order("acme", "key");
  await idle();
  expect(counts.invocations).toBe(100);
});

it("the jobs of many tenants run once each, with at most one more invocation and a few listings for each", async () => {
  const { counts, ran, order, idle } = open();
  for (let count = 0; count < 100; count += 1) await order("acme", "key");
  for (let count = 0; count < 50; count += 1) await order(`tenant${count % 7}`, `key${count % 3}`);
  await idle();
  expect(new Set(ran.map(({ id }) => id)).size).toBe(150);
  expect(ran).toHaveLength(150);
  expect(counts.invocations).toBeLessThanOrEqual(2 * 150);
  expect(counts.lists).toBeLessThanOrEqual(6 * counts.invocations);
});
