import { rm } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { leastTime } from "../../functions/gpu/least-time.ts";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { type WarmModels, warmModels } from "../../functions/gpu/warm-models.ts";
import { createWorker } from "../../functions/gpu/worker.ts";
import { resolvedRequestSchema, runFacts } from "../../lib/generation/request/index.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { type MeasuredRun, type RunStore, runStore, runsKey } from "../../lib/service/quotes/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { NOW, queued } from "../service/jobs/sample-job.ts";
import { sampleRun } from "../service/quotes/sample-run.ts";
import { marksOnly, openWorkplace, silent, type Workplace } from "./job-fixture.ts";

const CPU = { provider: "cpu", precision: "float32", workerKind: "cpu of a test" } as const;
const MINUTE = 60_000;

/** Makes runs of the video of a job that took so many seconds each. */
function runsOf({ params }: Pick<JobRecord, "params">, seconds: number, count: number): MeasuredRun[] {
  const { model: _, ...facts } = runFacts(resolvedRequestSchema.parse(params));
  const { steps } = facts;
  const took = { evaluations: steps, computed: steps, worker: CPU.workerKind, seconds: { make: seconds } };
  return Array.from({ length: count }, () => sampleRun({ ...facts, ...took }));
}

/** Log that keeps its lines. */
function kept() {
  const lines: string[] = [];
  const keep = (_: unknown, line?: unknown) => void lines.push(String(line));
  return { lines, log: { ...silent, info: keep, warn: keep } };
}

describe("the least time of a job's video", () => {
  const off = {
    ...queued,
    params: { ...queued.params, cache: { policy: "off", motion: true, warmupSteps: 0 } },
  };

  function told(read: RunStore["read"]) {
    const time = { now: NOW, elapsed: 0 };
    const asked: string[] = [];
    const { lines, log } = kept();
    const leastMs = leastTime({
      runs: {
        read(model) {
          asked.push(model);
          return read(model);
        },
      },
      workerKind: CPU.workerKind,
      clock: { now: () => time.now },
      elapsed: () => time.elapsed,
      log,
    });
    return { time, asked, lines, leastMs };
  }

  it("the runs of a model are read once a minute, and only for jobs that have used half of their time", async () => {
    const { time, asked, leastMs } = told(async () => runsOf(off, 100, 20));
    time.now = (off.createdAt + off.deadlineAt) / 2;
    expect(await leastMs(off)).toBeNull();
    expect(asked).toEqual([]);
    time.now += 1;
    for (const elapsed of [0, MINUTE - 1]) {
      time.elapsed = elapsed;
      expect(await leastMs(off)).toBeCloseTo(100_000, -2);
    }
    await leastMs({ ...off, params: { ...off.params, model: "other" } });
    expect(asked).toEqual(["demo", "other"]);
    time.elapsed = MINUTE;
    await leastMs(off);
    expect(asked).toEqual(["demo", "other", "demo"]);
  });

  it("the least time is unknown where runs are damaged, are not there or cannot be read, and the log says so once", async () => {
    const why: [RunStore["read"], RegExp | null][] = [
      [async () => "damaged", /are damaged/],
      [() => Promise.reject(new StoreError("unavailable", "away")), /cannot be read/],
      [async () => [], null],
    ];
    for (const [read, line] of why) {
      const { time, asked, lines, leastMs } = told(read);
      time.now = off.deadlineAt - 1;
      for (let tries = 0; tries < 3; tries += 1) expect(await leastMs(off)).toBeNull();
      expect(asked).toHaveLength(1);
      expect(lines).toHaveLength(line ? 1 : 0);
      if (line) expect(lines[0]).toMatch(line);
    }
  });

  it("the least time of a request that cannot be read is unknown, since its run says better what is wrong", async () => {
    const { time, lines, leastMs } = told(async () => runsOf(off, 100, 20));
    time.now = off.deadlineAt - 1;
    expect(await leastMs({ ...off, params: { ...off.params, steps: -1 } })).toBeNull();
    expect(lines).toEqual(["how long the video takes at least cannot be told"]);
  });
});

describe("a worker", () => {
  let folder: string;
  let models: WarmModels;
  let place: Workplace;

  beforeAll(async () => {
    folder = await writeTinyModel();
    models = await warmModels([namedByFolder(folder)], { threads: 1 });
  });
  afterAll(async () => {
    await models.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    place = await openWorkplace(folder);
    onTestFinished(() => place.remove());
  });

  function open(runs = runStore(place.store, system)) {
    const { lines, log } = kept();
    const changes: string[] = [];
    const worker = createWorker({
      ...place,
      ...CPU,
      models,
      runs,
      owner: "worker",
      leaseMs: MINUTE,
      progressIntervalMs: 10,
      maxRunMs: 60 * MINUTE,
      auditShare: 0,
      provenance: marksOnly,
      past: pastVideos(),
      log,
      onChange: ({ id }) => changes.push(id),
      onRequeue: async () => undefined,
    });
    return { worker, runs, lines, changes };
  }

  /** Queues a job that has a minute left of two, after so many videos like it took 100 seconds. */
  async function lateJob(runs: number): Promise<JobRecord> {
    const ref = await place.queue({}, { deadlineMs: 2 * MINUTE });
    const record = (await place.jobs.read(ref))!;
    const measured = runStore(place.store, system);
    for (const run of runsOf(record, 100, runs)) await measured.add(record.params.model, run);
    place.clock.aheadMs += MINUTE + 1;
    return record;
  }

  it("a worker fails a job that cannot end before its deadline, and makes the next one in the same turn", async () => {
    const late = await lateJob(5);
    const next = await place.queue();
    const { worker, runs, lines, changes } = open();
    expect(await worker.run(late)).toMatchObject({
      outcome: "ran",
      record: { id: next.id, status: "completed" },
    });
    const { status, error, attempt, events } = (await place.jobs.read(late))!;
    expect({ status, attempt, code: error?.code }).toEqual({
      status: "failed",
      attempt: 0,
      code: "deadline_exceeded",
    });
    const message = /^Making the video takes at least \d\d seconds, and 59 were left before its deadline\.$/;
    expect(error?.message).toMatch(message);
    expect(lines).toContain(error?.message);
    expect(events.map(({ type }) => type)).toEqual(["video.queued", "video.failed"]);
    expect(changes).toEqual([late.id, next.id, next.id]);
    const measured = await runs.read(late.params.model);
    expect(measured).toHaveLength(6);
    expect(new Set((measured as MeasuredRun[]).map(({ worker }) => worker)).size).toBe(1);
    const answer = { outcome: "ran", record: { id: late.id, status: "failed" } };
    expect(await worker.run(late)).toMatchObject(answer);
  });

  it("a worker with nothing but late jobs answers their own invocations with their failure, and is idle otherwise", async () => {
    const late = await lateJob(5);
    const { worker } = open();
    expect(await worker.run(null)).toEqual({ outcome: "idle" });
    expect(await worker.run(late)).toMatchObject({ record: { status: "failed", attempt: 0 } });
  });

  it("a worker refuses nothing before five runs of the video were measured", async () => {
    const late = await lateJob(4);
    expect(await open().worker.run(late)).toMatchObject({ record: { id: late.id, status: "completed" } });
  });

  it("a worker makes a late job where runs are damaged or do not answer, with a line in the log", async () => {
    const late = await lateJob(5);
    await place.store.put(runsKey(late.params.model), new TextEncoder().encode("{"));
    const damaged = open();
    expect(await damaged.worker.run(late)).toMatchObject({ record: { status: "completed" } });
    expect(damaged.lines).toContainEqual(expect.stringContaining("are damaged"));

    const other = await lateJob(5);
    const read = () => Promise.reject(new StoreError("unavailable", "away"));
    const silenced = open({ ...runStore(place.store, system), read });
    expect(await silenced.worker.run(other)).toMatchObject({ record: { id: other.id, status: "completed" } });
    expect(silenced.lines).toContainEqual(expect.stringContaining("cannot be read"));
  });
});
