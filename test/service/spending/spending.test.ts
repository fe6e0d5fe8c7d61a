import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type JobRecord, queuedJob } from "../../../lib/service/jobs/index.ts";
import { spendingOf } from "../../../lib/service/spending/index.ts";
import { type ObjectStore, openFolderStore, StoreError } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { intercepted } from "../jobs/failing-store.ts";
import { memoryStore } from "../jobs/memory-store.ts";
import { newJob } from "../jobs/sample-job.ts";

const NOON = Date.UTC(2026, 11, 1, 12);
const MIDNIGHT = Date.UTC(2026, 11, 2);
const KEY = { tenant: "acme", keyId: "k1", limitUsd: 1 };

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** Opens spending over a store, with the records of jobs that a test decides. */
function opened(store: ObjectStore = memoryStore()) {
  const records = new Map<string, JobRecord>();
  const clock = { time: NOON, now: () => clock.time };
  const jobs = { read: async ({ id }: { id: string }) => records.get(id) ?? null };
  const { random } = system;
  const open = () => spendingOf({ store, jobs, clock, random, sleep: async () => undefined });
  return { spending: open(), another: open, records, clock };
}

const video = (id: string, usd: number) => ({ id, usd, usdPerHour: 3600 });

/** Returns the record of a job whose worker held it for so many seconds. */
function over(id: string, seconds: number, status: JobRecord["status"] = "completed"): JobRecord {
  const history = [
    { at: NOON, type: "created" as const, attempt: 0 },
    { at: NOON, type: "claimed" as const, attempt: 1 },
    { at: NOON + seconds * 1000, type: "completed" as const, attempt: 1 },
  ];
  return { ...queuedJob({ ...newJob, id }), status, history, finishedAt: NOON + seconds * 1000 };
}

describe("a reservation", () => {
  it("a reservation beyond what is left is refused with what is left and the end of the day", async () => {
    const { spending } = opened();
    expect(await spending.reserve(KEY, video("a", 0.75))).toEqual({ ok: true });
    const refused = await spending.reserve(KEY, video("b", 0.5));
    expect(refused).toEqual({ ok: false, leftUsd: 0.25, endsAt: MIDNIGHT });
    expect(await spending.reserve(KEY, video("c", 0.25))).toEqual({ ok: true });
  });

  it("a second reservation of the same video takes nothing more", async () => {
    const { spending } = opened();
    await spending.reserve(KEY, video("a", 0.75));
    expect(await spending.reserve(KEY, video("a", 0.75))).toEqual({ ok: true });
    expect(await spending.left(KEY)).toEqual({ leftUsd: 0.25, endsAt: MIDNIGHT });
  });

  it("a finished video counts with what it cost, before the next one is refused", async () => {
    const { spending, records } = opened();
    await spending.reserve(KEY, video("a", 0.9));
    records.set("a", over("a", 0.1));
    expect((await spending.left(KEY)).leftUsd).toBeCloseTo(0.9);
    expect(await spending.reserve(KEY, video("b", 0.9))).toEqual({ ok: true });
    records.set("b", over("b", 0.2, "cancelled"));
    expect((await spending.left(KEY)).leftUsd).toBeCloseTo(0.7);
  });

  it("a video that is under way stays reserved, and one that was never made is dropped after its time", async () => {
    const { spending, records, clock } = opened();
    await spending.reserve(KEY, video("running", 0.5));
    await spending.reserve(KEY, video("crashed", 0.5));
    records.set("running", { ...over("running", 1), status: "running", finishedAt: null });
    expect((await spending.reserve(KEY, video("next", 0.5))).ok).toBe(false);
    clock.time += 21 * 60_000;
    expect(await spending.reserve(KEY, video("next", 0.5))).toEqual({ ok: true });
    expect((await spending.reserve(KEY, video("last", 0.1))).ok).toBe(false);
  });

  it("a new day has the whole limit, and so has another key", async () => {
    const { spending, clock } = opened();
    await spending.reserve(KEY, video("a", 1));
    expect((await spending.reserve({ ...KEY, keyId: "k2" }, video("b", 1))).ok).toBe(true);
    clock.time = MIDNIGHT;
    expect((await spending.reserve(KEY, video("c", 1))).ok).toBe(true);
  });

  it("a day of many cheap videos stays one small object", async () => {
    const store = memoryStore();
    const { spending, records, clock } = opened(store);
    for (let index = 0; index < 450; index++) {
      const id = `v${index}`;
      expect(await spending.reserve(KEY, video(id, 0.001))).toEqual({ ok: true });
      records.set(id, over(id, 0.001));
      clock.time += 60_000;
    }
    expect((await spending.left(KEY)).leftUsd).toBeCloseTo(0.55);
    const { keys } = await store.list("spending/");
    expect(keys).toEqual(["spending/acme/k1/2026-12-01.json"]);
    expect((await store.get(keys[0]!))!.body.length).toBeLessThan(40_000);
  });

  it("ledgers of past days are purged, and the present one is not", async () => {
    const store = memoryStore();
    const { spending, clock } = opened(store);
    await spending.reserve(KEY, video("a", 1));
    clock.time = MIDNIGHT;
    await spending.reserve(KEY, video("b", 1));
    await spending.purge("acme", MIDNIGHT);
    expect((await store.list("spending/")).keys).toEqual(["spending/acme/k1/2026-12-02.json"]);
  });
});

describe("concurrent reservations", () => {
  it("concurrent reservations of several processes never exceed the limit together", async () => {
    const folder = await mkdtemp(join(tmpdir(), "adareel-spending-"));
    folders.push(folder);
    const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
    const { spending, another } = opened(store);
    const processes = [spending, another(), another()];
    const asked = Array.from({ length: 24 }, (_, index) => {
      const reserve = () => processes[index % 3]!.reserve(KEY, video(`v${index}`, 0.15));
      return reserve().catch(unlessBusy);
    });
    const granted = (await Promise.all(asked)).filter((each) => each?.ok).length;
    expect(granted).toBeLessThanOrEqual(6);
    expect(granted).toBeGreaterThanOrEqual(1);
    expect((await spending.left(KEY)).leftUsd).toBeCloseTo(1 - granted * 0.15);
  });

  it("the day never holds more than its limit, whatever is reserved, lost or settled, and in whatever order", async () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 12 }),
      cents: fc.integer({ min: 1, max: 60 }),
      fate: fc.constantFrom("runs", "ends", "crashes", "lost answer"),
      minutes: fc.integer({ min: 0, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), async (rounds) => {
        let isLossy = false;
        const store = intercepted(memoryStore(), async (name, _key, operation) => {
          const answer = await operation();
          if (name === "put" && isLossy) throw new StoreError("unavailable", "The answer was lost.");
          return answer;
        });
        const { spending, another, records, clock } = opened(store);
        for (const round of rounds) {
          await Promise.all(
            round.map(async ({ id, cents, fate }, index) => {
              isLossy = fate === "lost answer" && round.length === 1;
              const name = `v${id}`;
              const by = index % 2 === 0 ? spending : another();
              const reserved = await by.reserve(KEY, video(name, cents / 100)).catch(unlessBusy);
              isLossy = false;
              if (!reserved?.ok || fate === "crashes") return;
              // A video costs what was reserved at most, in this test.
              records.set(name, {
                ...over(name, 0.01),
                ...(fate === "runs" && { status: "running" as const }),
              });
            }),
          );
          clock.time += Math.max(0, ...round.map(({ minutes }) => minutes)) * 60_000;
          const { leftUsd } = await spending.left(KEY);
          expect(leftUsd).toBeGreaterThanOrEqual(0);
          const ledger = await store.get("spending/acme/k1/2026-12-01.json");
          if (!ledger || clock.time >= MIDNIGHT) continue;
          const { value } = JSON.parse(new TextDecoder().decode(ledger.body)) as {
            value: { closedUsd: number; entries: Record<string, { usd: number }> };
          };
          const sum = Object.values(value.entries).reduce((all, { usd }) => all + usd, value.closedUsd);
          expect(sum).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Resolves a refusal of a store that too many change to null. */
function unlessBusy(error: unknown): null {
  if (error instanceof StoreError && error.code === "unavailable") return null;
  throw error;
}
