import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { type Claim, type ClaimRecord, claimSchema, takeClaim } from "../../../lib/service/jobs/claims.ts";
import { type ObjectStore, type Records, records } from "../../../lib/service/storage/index.ts";
import { losingAnswers } from "./failing-store.ts";
import { memoryStore } from "./memory-store.ts";

const claim: Claim = { scope: "5c0", fingerprint: "f1", lifetimeMs: 1000, isFirst: false };

let now: number;
let store: ObjectStore;
let claims: Records<ClaimRecord>;

const clock = { now: () => now };
const through = (view: ObjectStore) =>
  records(view, claimSchema, { random: randomBytes, sleep: async () => undefined });
const take = (jobId: string, changes: Partial<Claim> = {}, tenant = "acme") =>
  takeClaim(claims, clock, tenant, { ...claim, ...changes }, jobId);

beforeEach(() => {
  now = 5000;
  store = memoryStore();
  claims = through(store);
});

describe("a claim", () => {
  it("a claim belongs to whoever takes it first, and later callers learn who that is", async () => {
    await expect(take("a")).resolves.toEqual({ ok: true, jobId: "a" });
    await expect(take("b")).resolves.toEqual({ ok: true, jobId: "a" });
    await expect(take("a")).resolves.toEqual({ ok: true, jobId: "a" });
  });

  it("exactly one of 200 concurrent callers takes a free claim", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => take(`job${index}`)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it("a claim refuses another request, and is not changed by it", async () => {
    await take("a");
    await expect(take("b", { fingerprint: "f2" })).resolves.toEqual({ ok: false });
    await expect(take("c")).resolves.toEqual({ ok: true, jobId: "a" });
  });

  it("a claim expires at the end of its lifetime, for any request", async () => {
    await take("a");
    now += 999;
    await expect(take("b")).resolves.toEqual({ ok: true, jobId: "a" });
    now += 1;
    await expect(take("c", { fingerprint: "f2" })).resolves.toEqual({ ok: true, jobId: "c" });
    now += 999;
    await expect(take("d", { fingerprint: "f2" })).resolves.toEqual({ ok: true, jobId: "c" });
  });

  it("exactly one of 50 concurrent callers takes over an expired claim", async () => {
    await take("a");
    now += 1000;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => take(`job${index}`).catch((error) => error.name)),
    );
    const holder = await take("late");
    for (const answer of answers)
      expect([JSON.stringify(holder), '"StoreError"']).toContain(JSON.stringify(answer));
  });

  it("a claim is taken from its holder by a request that is known to be the first", async () => {
    await take("a");
    await expect(take("b", { isFirst: true })).resolves.toEqual({ ok: true, jobId: "b" });
    await expect(take("c")).resolves.toEqual({ ok: true, jobId: "b" });
    await expect(take("d", { isFirst: true, fingerprint: "f2" })).resolves.toEqual({ ok: true, jobId: "d" });
  });

  it("a claim reveals nothing about another tenant's claim or another scope", async () => {
    await take("a");
    await expect(take("b", {}, "acme2")).resolves.toEqual({ ok: true, jobId: "b" });
    await expect(take("c", { scope: "5c" })).resolves.toEqual({ ok: true, jobId: "c" });
  });

  it("a claim succeeds although the store's answer was lost", async () => {
    claims = through(losingAnswers(store, 1));
    await expect(take("a")).resolves.toEqual({ ok: true, jobId: "a" });
    claims = through(losingAnswers(store, 1));
    await expect(take("b", { isFirst: true })).resolves.toEqual({ ok: true, jobId: "b" });
  });
});
