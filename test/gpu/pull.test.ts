import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type PullOptions, pull } from "../../functions/gpu/pull.ts";
import type { Turn } from "../../functions/gpu/turn-source.ts";
import type { Run } from "../../functions/gpu/worker.ts";
import { queuedJob } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { newJob } from "../service/jobs/sample-job.ts";
import { silent } from "./job-fixture.ts";

const record = queuedJob(newJob, {});
const RUNS: Readonly<Record<string, Run>> = {
  made: { outcome: "ran", record: { ...record, status: "completed" } },
  "queued again": { outcome: "ran", record },
  missing: { outcome: "missing" },
  idle: { outcome: "idle" },
  busy: { outcome: "busy" },
};

/** Course of one round of the loop, as far as it comes. */
interface Round {
  readonly next: "turn" | "error";
  readonly hold: "held" | "refused" | "error";
  readonly run: keyof typeof RUNS | "error";
  readonly settled: "done" | "error";
  /** Number of rechecks that the machine, which is at fault after this round, needs to be well again. */
  readonly faults: number;
}

const round: fc.Arbitrary<Round> = fc.record({
  next: fc.constantFrom("turn", "turn", "turn", "error"),
  hold: fc.constantFrom("held", "held", "refused", "error"),
  run: fc.constantFrom(...Object.keys(RUNS), "error"),
  settled: fc.constantFrom("done", "done", "error"),
  faults: fc.constantFrom(0, 0, 0, 1, 3),
});

const failing = async (isError: boolean) => {
  await Promise.resolve();
  if (isError) throw new StoreError("unavailable", "The store does not answer.");
};

/** Plays the rounds, and stops the loop before its operation number `stopAt`, or when it wants another round. */
async function play(rounds: readonly Round[], stopAt: number) {
  const stopping = new AbortController();
  const wrong: string[] = [];
  const settled: string[] = [];
  const told: string[] = [];
  let operations = 0;
  let begun = 0;
  let faults = 0;
  let [isRunning, isHeld] = [false, false];
  const current = () => rounds[begun - 1]!;
  const tick = (what: string) => {
    told.push(what);
    operations += 1;
    if (operations === stopAt) stopping.abort();
  };
  const settle = (number: number, how: string) => {
    settled[number - 1] = `${settled[number - 1] ?? ""}${how}`;
    faults = current().faults;
    return failing(current().settled === "error");
  };
  const turnOf = (number: number): Turn => ({
    named: null,
    taken: () => settle(number, "taken"),
    giveBack: () => settle(number, "given back"),
  });
  const options: PullOptions = {
    source: {
      async next(signal) {
        tick("next");
        if (faults > 0) wrong.push("a turn is asked for on a machine at fault");
        if (begun === rounds.length) stopping.abort();
        if (signal.aborted) return null;
        begun += 1;
        await failing(current().next === "error");
        settled[begun - 1] = "";
        return turnOf(begun);
      },
    },
    worker: {
      async run() {
        tick("run");
        if (stopping.signal.aborted) return { outcome: "stopping" };
        if (isRunning) wrong.push("two runs at once");
        if (!isHeld) wrong.push("a run without protection");
        isRunning = true;
        await failing(current().run === "error").finally(() => {
          isRunning = false;
        });
        return RUNS[current().run]!;
      },
    },
    models: {
      get fault() {
        return faults > 0 ? "No model can be opened." : null;
      },
      async recheck() {
        tick("recheck");
        faults -= 1;
        await failing(faults > 0);
      },
    },
    protection: {
      async hold() {
        tick("hold");
        await failing(current().hold === "error");
        isHeld = current().hold === "held";
        return isHeld;
      },
      async release() {
        isHeld = false;
      },
    },
    pause: async () => tick("pause"),
    random: (count) => new Uint8Array(count).fill(255),
    log: silent,
  };
  await pull(options, stopping.signal);
  return { wrong, settled: settled.filter((how) => how !== undefined), told, isHeld };
}

const calm: Round = { next: "turn", hold: "held", run: "made", settled: "done", faults: 0 };

describe("a worker that pulls", () => {
  it("a worker takes or gives back each turn once, whatever fails and whenever it stops", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { maxLength: 6 }), fc.nat(40), async (rounds, stopAt) => {
        const { wrong, settled, isHeld } = await play(rounds, stopAt);
        expect(wrong).toEqual([]);
        for (const how of settled) expect(how).toMatch(/^(taken|given back)$/);
        expect(isHeld).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it("a worker asks again at once after a job, and only after a pause when a turn was in vain", async () => {
    const vain: Partial<Round>[] = [
      { next: "error" },
      { hold: "error" },
      { hold: "refused" },
      { run: "error" },
      { run: "busy" },
      { run: "queued again" },
      { settled: "error" },
    ];
    for (const each of vain) {
      const { told } = await play([{ ...calm, ...each }, calm, calm], 0);
      expect(told.slice(told.indexOf("next")).join(" "), JSON.stringify(each)).toMatch(
        /^next( hold)?( run)? pause next hold run next hold run next$/,
      );
    }
  });

  it("a worker at fault takes no turn before a look shows that its machine is well", async () => {
    const { told, wrong } = await play([{ ...calm, faults: 2 }, calm], 0);
    expect(wrong).toEqual([]);
    expect(told.join(" ")).toBe("next hold run pause recheck pause recheck next hold run next");
  });

  it("a worker that is told to stop ends when its turn has ended, and gives back one that has not begun", async () => {
    const settledWhenStoppedAt = async (operation: number) => (await play([calm], operation)).settled;
    expect(await settledWhenStoppedAt(1)).toEqual([]);
    for (const operation of [2, 3]) expect(await settledWhenStoppedAt(operation)).toEqual(["given back"]);
    expect(await settledWhenStoppedAt(4)).toEqual(["taken"]);
  });

  it("the pauses of a worker grow from a second to a minute while nothing answers, and the log has one line", async () => {
    const waits: number[] = [];
    const warn = vi.fn();
    const stopping = new AbortController();
    await pull(
      {
        source: { next: () => Promise.reject(new StoreError("unavailable", "No answer.")) },
        worker: { run: () => Promise.reject(new Error("no run")) },
        models: { fault: null, recheck: () => Promise.reject(new Error("not well")) },
        protection: null,
        async pause(durationMs) {
          waits.push(Math.round(durationMs));
          if (waits.length === 8) stopping.abort();
        },
        random: (count) => new Uint8Array(count).fill(255),
        log: { ...silent, warn },
      },
      stopping.signal,
    );
    expect(warn).toHaveBeenCalledOnce();
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  });
});
