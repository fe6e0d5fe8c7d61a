import { beforeEach, describe, expect, it } from "vitest";
import { storeTurns } from "../../functions/gpu/store-turns.ts";
import type { Run } from "../../functions/gpu/worker.ts";
import { fairTurns, type JobRef, type JobStore, jobStore, passedOver } from "../../lib/service/jobs/index.ts";
import { PASSED_OVER_MS } from "../../lib/service/jobs/turns.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { NOW, newJob } from "../service/jobs/sample-job.ts";

const PAUSE_MS_MAX = 2_000;
const LEASE_MS = 60_000;

let elapsedMs: number;
let requests: string[];
let pauses: number[];
let store: ObjectStore;
let jobs: JobStore;
let isDown: boolean;
let answers: number;

const onAnswer = () => {
  answers += 1;
};

const clock = { now: () => NOW + elapsedMs };

beforeEach(() => {
  [elapsedMs, requests, pauses, isDown, answers] = [0, [], [], false, 0];
  store = intercepted(memoryStore(), (name, key, operation) => {
    requests.push(`${name} ${key.split("/")[0]}/`);
    return isDown ? Promise.reject(new StoreError("unavailable", "No answer.")) : operation();
  });
  jobs = jobStore({ ...system, store, clock });
});

/** Opens the turns of a worker whose pauses only advance the clock, always by the most that they may be. */
function openWorker() {
  const seen = passedOver({ elapsed: () => elapsedMs });
  const source = storeTurns({
    jobs,
    passedOver: seen,
    async pause(durationMs) {
      pauses.push(Math.round(durationMs));
      elapsedMs += durationMs;
    },
    random: (count) => new Uint8Array(count).fill(255),
    pauseMsMax: PAUSE_MS_MAX,
  });
  const turns = fairTurns({ store, jobs, clock, canRun: () => true, passedOver: seen });

  /** Takes the next turn as the worker does: claims the first job that it is offered and can have. */
  async function takeTurn(signal: AbortSignal): Promise<{ id: string | null } | null> {
    const turn = await source.next(signal, onAnswer);
    if (!turn) return null;
    expect(turn.named).toBeNull();
    let run: Run = { outcome: "idle" };
    for await (const next of turns.next(null)) {
      const { ok, record } = await jobs.apply(next, { type: "claim", owner: "me", leaseMs: LEASE_MS });
      if (!ok) continue;
      run = { outcome: "ran", record };
      break;
    }
    await turn.taken(run);
    return { id: run.outcome === "ran" ? run.record.id : null };
  }

  return { source, takeTurn };
}

/** Returns a signal that aborts once so much time has passed. */
function until(timeMs: number): AbortSignal {
  const controller = new AbortController();
  return {
    get aborted() {
      if (elapsedMs >= timeMs) controller.abort();
      return controller.signal.aborted;
    },
  } as AbortSignal;
}

async function queue(number: number): Promise<JobRef> {
  const id = `video_01q3dcbd${String(number).padStart(18, "0")}`;
  await jobs.create({ ...newJob, id }, { unfinishedMax: 1000 });
  return { tenant: newJob.tenant, id };
}

async function runElsewhere(count: number): Promise<JobRef[]> {
  const refs: JobRef[] = [];
  for (let number = 1; number <= count; number += 1) {
    const ref = await queue(number);
    await jobs.apply(ref, { type: "claim", owner: `other${number}`, leaseMs: LEASE_MS });
    refs.push(ref);
  }
  requests = [];
  return refs;
}

const count = (request: string) => requests.filter((each) => each === request).length;

describe("turns that a worker finds in the store", () => {
  it("a look at a store without work is one listing, after pauses that grow up to the longest", async () => {
    const { takeTurn } = openWorker();
    expect(await takeTurn(until(60_000))).toEqual({ id: null });
    requests = [];
    expect(await takeTurn(until(60_000))).toBeNull();
    expect(pauses.slice(0, 7)).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    expect(new Set(requests)).toEqual(new Set(["list unfinished/"]));
    expect(requests.length).toBe(pauses.length - 1);
  });

  it("a worker that waits reads each job that others run once in ten seconds, and not at each look", async () => {
    await runElsewhere(20);
    const { takeTurn } = openWorker();
    const end = until(PASSED_OVER_MS + 100);
    while (await takeTurn(end));
    expect(count("get jobs/")).toBe(20);
    expect(count("list unfinished/")).toBeLessThan(15);
    expect(requests.length).toBe(count("get jobs/") + count("list unfinished/"));
  });

  it("a worker takes one job after another without a pause, and waits when there are no more", async () => {
    const refs = [await queue(1), await queue(2)];
    const { takeTurn } = openWorker();
    for (const { id } of refs) expect(await takeTurn(until(1))).toEqual({ id });
    expect(pauses).toEqual([]);
    expect(await takeTurn(until(60_000))).toEqual({ id: null });
    expect(await takeTurn(until(500))).toBeNull();
    expect(pauses.length).toBeGreaterThan(0);
  });

  it("a worker finds a job behind hundreds that others run, and one that is queued meanwhile", async () => {
    await runElsewhere(250);
    const last = await queue(251);
    const { takeTurn } = openWorker();
    const found: (string | null)[] = [];
    while (!found.includes(last.id)) found.push((await takeTurn(until(PASSED_OVER_MS)))!.id);
    expect(found.length).toBeLessThanOrEqual(3);
    const next = await queue(252);
    while (!found.includes(next.id)) found.push((await takeTurn(until(2 * PASSED_OVER_MS)))!.id);
    expect(found.filter((id) => id !== null)).toEqual([last.id, next.id]);
  });

  it("a job that is handed back is found within ten seconds and a pause", async () => {
    const [ref] = await runElsewhere(1);
    const { takeTurn } = openWorker();
    expect(await takeTurn(until(1))).toEqual({ id: null });
    await jobs.apply(ref!, { type: "release", owner: "other1", attempt: 1 });
    const end = until(60_000);
    let found = await takeTurn(end);
    while (found?.id === null) found = await takeTurn(end);
    expect(found).toEqual({ id: ref!.id });
    expect(elapsedMs).toBeLessThanOrEqual(PASSED_OVER_MS + PAUSE_MS_MAX);
  });

  it("a store that does not answer is an error for the caller, and the next call pauses first", async () => {
    const { source } = openWorker();
    const turn = await source.next(until(60_000), onAnswer);
    await turn!.giveBack();
    isDown = true;
    await expect(source.next(until(60_000), onAnswer)).rejects.toThrow("No answer.");
    const paused = pauses.length;
    await expect(source.next(until(60_000), onAnswer)).rejects.toThrow("No answer.");
    expect(pauses.length).toBe(paused + 1);
    expect(answers).toBe(0);
  });

  it("a source tells that the store answers at each look, whether there is a turn or not", async () => {
    const { source } = openWorker();
    await (await source.next(until(60_000), onAnswer))!.taken({ outcome: "idle" });
    expect(await source.next(until(10_000), onAnswer)).toBeNull();
    // The signal aborts in the last pause.
    expect(answers).toBe(pauses.length - 1);
    expect(answers).toBeGreaterThan(3);
  });
});
