import { describe, expect, it } from "vitest";
import { artifactKey, type NewJob, newVideoId } from "../../../lib/service/jobs/index.ts";
import { openJobs } from "./open-jobs.ts";
import { newJob } from "./sample-job.ts";

const DAY_MS = 86_400_000;
const claim = { scope: "5c0", fingerprint: "f1", lifetimeMs: 3 * DAY_MS, isFirst: false };

/** Makes a job that is created now and kept for a day. */
function fresh(clock: { now(): number }, random = 1): NewJob {
  const now = clock.now();
  const id = newVideoId(clock, (count) => new Uint8Array(count).fill(random));
  return { ...newJob, id, createdAt: now, deadlineAt: now + 3_600_000, expiresAt: now + DAY_MS };
}

describe("purging", () => {
  it("a purge deletes old finished jobs, with all they left, and nothing else", async () => {
    const { jobs, store, clock, pass } = openJobs();
    const [old, unfinished, rival] = [
      fresh(clock, 1),
      fresh(clock, 2),
      { ...fresh(clock, 3), tenant: "rival" },
    ];
    for (const job of [old, unfinished, rival]) await jobs.create(job, { unfinishedMax: 10 });
    for (const job of [old, rival]) await jobs.apply(job, { type: "cancel" });
    await store.put(artifactKey(old, 1, "video.mp4"), new Uint8Array(1));
    pass(DAY_MS);
    const young = fresh(clock, 4);
    await jobs.create(young, { unfinishedMax: 10 });
    await jobs.apply(young, { type: "cancel" });

    expect(await jobs.purge("acme", clock.now())).toBe(1);

    expect(await jobs.read(old)).toBeNull();
    expect([...store.objects.keys()].filter((key) => key.includes(old.id))).toEqual([]);
    for (const job of [unfinished, rival, young]) expect(await jobs.read(job)).not.toBeNull();
  });

  it("a purge removes expired claims, and no others", async () => {
    const { jobs, store, clock, pass } = openJobs();
    await jobs.create(fresh(clock), { unfinishedMax: 10, claim });
    const claims = () => [...store.objects.keys()].filter((key) => key.startsWith("claims/")).length;
    pass(2 * DAY_MS);
    await jobs.purge("acme", clock.now());
    expect(claims()).toBe(1);
    pass(DAY_MS);
    await jobs.purge("acme", clock.now());
    expect(claims()).toBe(0);
  });

  it("a purge skips a claim that cannot be read, and removes the others", async () => {
    const { jobs, store, clock, pass } = openJobs();
    await jobs.create(fresh(clock), { unfinishedMax: 10, claim });
    const claims = () => [...store.objects.keys()].filter((key) => key.startsWith("claims/"));
    await store.put("claims/acme/0.json", new TextEncoder().encode("{"));
    pass(3 * DAY_MS);
    await jobs.purge("acme", clock.now());
    expect(claims()).toEqual(["claims/acme/0.json"]);
  });

  it("a claim that outlives its purged job does not make the job a second time", async () => {
    const { jobs, clock, pass } = openJobs();
    const first = fresh(clock, 1);
    await jobs.create(first, { unfinishedMax: 10, claim });
    await jobs.apply(first, { type: "cancel" });
    pass(2 * DAY_MS);
    await jobs.purge("acme", clock.now() - DAY_MS);
    expect(await jobs.create(fresh(clock, 2), { unfinishedMax: 10, claim })).toEqual({ outcome: "gone" });
    expect((await jobs.list("acme", { limit: 10 })).records).toEqual([]);
  });
});
