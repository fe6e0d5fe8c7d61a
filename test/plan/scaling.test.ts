import { describe, expect, test } from "vitest";
import { ecs } from "../../tools/plan/backends/ecs.ts";
import { sageMaker } from "../../tools/plan/backends/sagemaker.ts";
import { type MinuteSample, scaler } from "../../tools/plan/scaling.ts";

const rules = sageMaker.rules({ instancesMax: 3, idleMinutes: 5, scaling: "steady" });

/** Sample of a minute with a number of queued and running jobs, and of instances. */
const minute = (backlog: number, inService: number, starting = 0): MinuteSample => ({
  waiting: Math.max(0, backlog - inService),
  running: Math.min(backlog, inService),
  hadWork: backlog > 0,
  inService,
  starting,
});
const times = (count: number, sample: MinuteSample): MinuteSample[] => Array(count).fill(sample);

/** Returns the numbers of instances that were decided, with their minutes, from 1. */
function acted(samples: readonly MinuteSample[], given = rules): [minute: number, instances: number][] {
  return samples.map(scaler(given)).flatMap((instances, index) => {
    return instances === null ? [] : [[index + 1, instances] as [number, number]];
  });
}

describe("scaling from zero", () => {
  test("an endpoint wakes after one minute of backlog", () => {
    expect(acted([minute(0, 0), minute(1, 0)])).toEqual([[2, 1]]);
  });

  test("an endpoint without a job never wakes", () => {
    expect(acted(times(100, minute(0, 0)))).toEqual([]);
  });

  test("a second instance is not requested while the first one starts, however long that takes", () => {
    expect(acted([minute(1, 0), ...times(20, minute(40, 0, 1))])).toEqual([[1, 1]]);
  });

  test("an instance that never came is requested again after the cooldown", () => {
    expect(acted(times(7, minute(1, 0)))).toEqual([
      [1, 1],
      [6, 1],
    ]);
  });
});

test("the cooldown of waking does not exceed a short idle window, or the next job would wait for it", () => {
  const wakeAfter = (idleMinutes: number) =>
    sageMaker.rules({ instancesMax: 1, idleMinutes, scaling: "backlog" }).adding;
  expect(wakeAfter(3)).toMatchObject([{ cooldownSeconds: 180 }]);
  expect(wakeAfter(60)).toMatchObject([{ cooldownSeconds: 300 }]);
});

describe("scaling out", () => {
  test("scaling out needs three minutes in a row with two jobs an instance", () => {
    expect(
      acted([minute(2, 1), minute(2, 1), minute(1, 1), minute(2, 1), minute(2, 1), minute(3, 1)]),
    ).toEqual([[6, 2]]);
  });

  test("scaling out counts the jobs of one instance", () => {
    expect(acted(times(10, minute(3, 2)))).toEqual([]);
    expect(acted(times(10, minute(4, 2)))).toEqual([[3, 3]]);
  });

  test("scaling out goes on after 15 minutes, and never beyond the maximum", () => {
    const samples = [...times(17, minute(50, 1)), ...times(20, minute(50, 2)), ...times(60, minute(50, 3))];
    expect(acted(samples)).toEqual([
      [3, 2],
      [18, 3],
      [33, 3],
    ]);
    expect(acted(times(60, minute(50, 3)))).toEqual([]);
  });
});

describe("scaling by backlog", () => {
  const byBacklog = sageMaker.rules({ instancesMax: 20, idleMinutes: 5, scaling: "backlog" });
  const instancesAfter = (samples: readonly MinuteSample[], given = byBacklog) =>
    samples.map(scaler(given)).at(-1) ?? null;

  test("the instances that start from zero leave each with a few of the jobs that wait", () => {
    const started = [1, 7, 8, 15, 16, 63, 64, 127, 128, 5000].map((jobs) =>
      instancesAfter([minute(jobs, 0)]),
    );
    expect(started).toEqual([1, 1, 2, 2, 4, 8, 16, 16, 20, 20]);
  });

  test("instances are added by the jobs of each, rounded down and at least one", () => {
    const grown = (jobs: number, instances: number) => instancesAfter(times(3, minute(jobs, instances)));
    expect([grown(3, 2), grown(4, 2), grown(8, 4), grown(20, 9)]).toEqual([null, 3, 5, 11]);
    // Four instances: 6, 8, 16 and 32 jobs for each.
    expect([24, 32, 64, 128].map((jobs) => grown(jobs, 4))).toEqual([6, 8, 16, 20]);
  });

  test("instances are added at once, and then not for 15 minutes", () => {
    const samples = [...times(3, minute(40, 2)), ...times(14, minute(60, 6)), minute(60, 6)];
    expect(samples.map(scaler(byBacklog))).toEqual([...[null, null, 8], ...Array(14).fill(null), 12]);
  });

  test("one instance at most is started by one rule, whichever was chosen", () => {
    const one = { instancesMax: 1, idleMinutes: 5 };
    const sleepy = Array(3).fill(minute(900, 0));
    expect(acted(sleepy, sageMaker.rules({ ...one, scaling: "backlog" }))).toEqual([[1, 1]]);
    expect(sageMaker.rules({ ...one, scaling: "backlog" }).adding).toHaveLength(1);
  });
});

describe("scaling on ECS", () => {
  const onEcs = ecs.rules({ instancesMax: 8, idleMinutes: 5, scaling: "backlog" });
  const instancesAfter = (samples: readonly MinuteSample[]) => samples.map(scaler(onEcs));

  test("workers are added for the jobs that wait, also while others start", () => {
    const starting = { ...minute(30, 0), starting: 4 };
    expect(instancesAfter([minute(9, 0), starting])).toEqual([4, 8]);
  });

  test("the cooldown lets a higher step add what it exceeds the last one by", () => {
    const waiting = (jobs: number, instances: number) => minute(jobs + instances, instances);
    expect(instancesAfter([waiting(5, 1), waiting(5, 3), waiting(9, 3), waiting(9, 5)])).toEqual([
      3,
      null,
      5,
      null,
    ]);
  });

  test("a worker goes after the idle minutes in which more run than work, and the next one later", () => {
    const busy = times(10, minute(2, 4));
    expect(acted(busy, onEcs)).toEqual([
      [5, 3],
      [9, 3],
    ]);
    expect(acted(times(10, minute(4, 4)), onEcs)).toEqual([]);
  });
});

describe("scaling to zero", () => {
  test("scaling to zero needs the whole idle window without a job", () => {
    expect(acted([minute(1, 1), ...times(5, minute(0, 1))])).toEqual([[6, 0]]);
  });

  test("a job within the idle window restarts it, even one that came and went between two samples", () => {
    const between = { ...minute(0, 1), hadWork: true };
    expect(acted([...times(4, minute(0, 1)), between, ...times(4, minute(0, 1))])).toEqual([]);
  });

  test("scaling to zero waits for an instance that starts", () => {
    expect(acted([...times(9, minute(0, 1, 1)), minute(0, 2)])).toEqual([[10, 0]]);
  });

  test("scaling to zero never happens with an endless window", () => {
    expect(acted(times(1000, minute(0, 1)), { ...rules, idleMinutes: Number.POSITIVE_INFINITY })).toEqual([]);
  });
});
