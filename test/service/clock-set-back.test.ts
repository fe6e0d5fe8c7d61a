import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sweepJobs } from "../../functions/sweep/sweep.ts";
import { isBelievedIn } from "../../lib/service/backends/index.ts";
import { type JobRecord, type JobRef, jobKey, newVideoId, sweep } from "../../lib/service/jobs/index.ts";
import { unfinishedKey } from "../../lib/service/jobs/object-keys.ts";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { urlSigner } from "../../lib/service/storage/index.ts";
import { CLOCK_SKEW_MS } from "../../lib/shared/ahead.ts";
import { system } from "../../lib/shared/system.ts";
import { type Opened, openJobs } from "./jobs/open-jobs.ts";
import { later, newJob } from "./jobs/sample-job.ts";

/** Durations by which a clock may be set back: of seconds, hours and years. */
const back = fc.oneof(
  fc.integer({ min: 0, max: 2 * CLOCK_SKEW_MS }),
  fc.integer({ min: 0, max: 86_400_000 }),
  fc.integer({ min: 0, max: 10 * 365 * 86_400_000 }),
);

/** Difference of clocks that is added to each wait, once where a time is stored and once where it is waited for. */
const SLACK_MS = 2 * CLOCK_SKEW_MS + 1;

/**
 * Runs a test in a store whose clock was ahead when `before` ran. `after` looks soon after the clock was set
 * back, and once more after the time that the wait may take.
 */
async function setBack<T>(
  before: (opened: Opened) => Promise<T>,
  after: (opened: Opened, made: T) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(back, async (backMs) => {
      const opened = openJobs();
      opened.pass(backMs);
      const made = await before(opened);
      opened.pass(-backMs);
      await after(opened, made);
    }),
    { numRuns: 200 },
  );
}

async function create({ jobs, clock }: Opened, timeoutMs = 3_600_000): Promise<JobRecord> {
  const id = newVideoId(clock, system.random);
  const now = clock.now();
  const job = { ...newJob, id, createdAt: now, deadlineAt: now + timeoutMs, expiresAt: now + 86_400_000 };
  await jobs.create(job, { unfinishedMax: 10 });
  return (await jobs.read(job))!;
}

function onError(error: unknown): void {
  throw error;
}

function swept({ jobs, clock }: Opened, hinted: JobRef[] = []) {
  const hints = { work: async (ref: JobRef) => void hinted.push(ref), webhooks: async () => undefined };
  return sweep({ jobs, clock, hints, isStale: () => false, onError });
}

describe("a clock that is set back", () => {
  it("a lost worker's job waits no longer than its lease, however far the clock was set back", async () => {
    const leaseMs = 60_000;
    await setBack(
      async (opened) => {
        const job = await create(opened);
        await opened.jobs.apply(job, { type: "claim", owner: "worker", leaseMs });
        return job;
      },
      async (opened, job) => {
        await swept(opened);
        opened.pass(leaseMs + SLACK_MS);
        await swept(opened);
        expect(await opened.jobs.read(job)).toMatchObject({ status: "queued", losses: 1 });
      },
    );
  });

  it("a lease of an older record, whose length is not noted, counts as over after the longest one", async () => {
    const opened = openJobs();
    const job = await create(opened);
    const running = later(job, opened.clock.now(), { type: "claim", owner: "worker", leaseMs: 60_000 });
    const { lengthMs: _, ...lease } = running.lease!;
    const ahead = { ...lease, until: opened.clock.now() + 86_400_000 };
    const body = JSON.stringify({ writes: ["w"], value: { ...running, lease: ahead } });
    await opened.store.put(jobKey(job), new TextEncoder().encode(body));
    await swept(opened);
    expect(await opened.jobs.read(job)).toMatchObject({ status: "queued", losses: 1 });
  });

  it("a job that nobody runs fails by its own timeout, however far the clock was set back", async () => {
    const timeoutMs = 600_000;
    await setBack(
      (opened) => create(opened, timeoutMs),
      async (opened, job) => {
        await swept(opened);
        expect(await opened.jobs.read(job)).toMatchObject({ status: "queued" });
        opened.pass(timeoutMs + SLACK_MS);
        await swept(opened);
        expect(await opened.jobs.read(job)).toMatchObject({ error: { code: "deadline_exceeded" } });
      },
    );
  });

  it("the marker of an abandoned creation goes after ten minutes, however far the clock was set back", async () => {
    await setBack(
      async ({ store, clock }) => {
        const ref = { tenant: "acme", keyId: "k", id: newVideoId(clock, system.random) };
        await store.put(unfinishedKey(ref), new TextEncoder().encode(`${clock.now()}`));
        return ref;
      },
      async (opened, ref) => {
        await swept(opened);
        expect(opened.store.objects.has(unfinishedKey(ref))).toBe(true);
        opened.pass(600_000 + SLACK_MS);
        await swept(opened);
        expect(opened.store.objects.has(unfinishedKey(ref))).toBe(false);
      },
    );
  });

  it("the marker of a creation stays while its clock is set back between marker and record", async () => {
    await fc.assert(
      fc.asyncProperty(back, async (backMs) => {
        const opened = openJobs();
        opened.pass(backMs);
        let isMarked = false;
        const slow = opened.through({
          ...opened.store,
          async put(key, ...rest) {
            if (key.startsWith("jobs/") && !isMarked) {
              isMarked = true;
              opened.pass(-backMs);
              await swept(opened);
              opened.pass(400_000);
              await swept(opened);
            }
            return opened.store.put(key, ...rest);
          },
        });
        const job = { ...newJob, id: newVideoId(opened.clock, system.random), createdAt: opened.clock.now() };
        await slow.create(job, { unfinishedMax: 10 });
        expect(opened.store.objects.has(unfinishedKey(job))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("a submission is believed no longer than its backend allows, however far the clock was set back", async () => {
    const backend = { name: "gpu-1", believedMs: 1_800_000 };
    await setBack(
      async (opened) => {
        const job = await create(opened);
        return (await opened.jobs.apply(job, { type: "dispatch", to: backend.name })).record!;
      },
      async ({ clock }, job) => {
        const looks = [clock.now(), clock.now() + backend.believedMs + SLACK_MS];
        expect(looks.every((now) => isBelievedIn(backend, job, now))).toBe(false);
      },
    );
  });

  it("a lost hint is repeated after a minute, however far the clock was set back", async () => {
    await setBack(
      (opened) => create(opened),
      async (opened, job) => {
        const { jobs, clock } = opened;
        const hinted: JobRef[] = [];
        const hints = { work: async (ref: JobRef) => void hinted.push(ref), webhooks: async () => undefined };
        const backend = { name: "gpu-1", believedMs: 1_800_000, waiting: async () => null };
        const look = () => sweepJobs({ jobs, hints, backend, clock, onError });
        await look();
        opened.pass(60_000 + SLACK_MS);
        await look();
        expect(hinted.map(({ id }) => id)).toContain(job.id);
      },
    );
  });

  it("an idempotency key is free after twice its lifetime, and no sooner than a retry may come", async () => {
    const claim = { scope: "5c0", fingerprint: "f", lifetimeMs: 86_400_000, isFirst: false };
    const make = async ({ jobs, clock }: Opened) => {
      const id = newVideoId(clock, system.random);
      const job = { ...newJob, id, createdAt: clock.now(), expiresAt: clock.now() + 86_400_000 };
      const creation = await jobs.create(job, { claim, unfinishedMax: 10 });
      return "record" in creation ? creation.record.id : creation.outcome;
    };
    await setBack(make, async (opened, first) => {
      await make(opened);
      opened.pass(2 * claim.lifetimeMs + SLACK_MS);
      expect(await make(opened)).not.toBe(first);
    });
    const opened = openJobs();
    const first = await make(opened);
    opened.pass(-claim.lifetimeMs / 2);
    expect(await make(opened)).toBe(first);
  });

  it("a revoked API key is refused after five seconds, however far the clock was set back", async () => {
    await setBack(
      async ({ store, clock }) => {
        const [seen, other] = [apiKeys({ ...system, store, clock }), apiKeys({ ...system, store, clock })];
        const { key, apiKey } = await seen.create({ tenant: "acme", name: "laptop" });
        await seen.authenticate(key);
        await other.revoke(apiKey.id);
        return { seen, key };
      },
      async (opened, { seen, key }) => {
        await seen.authenticate(key);
        opened.pass(5_000 + SLACK_MS);
        expect(await seen.authenticate(key)).toBeNull();
      },
    );
  });

  it("a signed URL is valid for seven days at most, however far the clock was set back", async () => {
    const signerOf = ({ clock }: Opened) =>
      urlSigner({ baseUrl: "https://x", secret: new Uint8Array(32), clock });
    await setBack(
      async (opened) => new URL(signerOf(opened).sign("a/b", { expiresInSeconds: 60 })).searchParams,
      async (opened, query) => {
        const before = signerOf(opened).verify("a/b", query);
        opened.pass(604_800_000 + SLACK_MS);
        const after = signerOf(opened).verify("a/b", query);
        expect([before, after]).toContainEqual({ ok: false, reason: "expired" });
      },
    );
  });
});
