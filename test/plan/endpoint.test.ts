import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCALINGS, type Scaling } from "../../infra/config.ts";
import { drawArrivals } from "../../tools/plan/arrivals.ts";
import type { PlannedBackend } from "../../tools/plan/backends/backend.ts";
import { ecs } from "../../tools/plan/backends/ecs.ts";
import { sageMaker } from "../../tools/plan/backends/sagemaker.ts";
import { type JobLimits, type SimulationOptions, simulate } from "../../tools/plan/endpoint.ts";

const NEVER = Number.POSITIVE_INFINITY;

interface Case {
  readonly arrivals: readonly number[];
  readonly seconds: number;
  readonly loadSeconds: number;
  readonly coldSeconds: number;
  readonly instancesMax: number;
  readonly idleMinutes: number;
  /** Way to add instances; one by one unless stated. */
  readonly scaling?: Scaling;
  /** Backend that scales; SageMaker unless stated. */
  readonly backend?: PlannedBackend;
  /** Limits of a job; none unless stated. */
  readonly limits?: JobLimits;
  /** Seconds that a video is known to take at least; none unless stated. */
  readonly leastSeconds?: number;
}

function options({ arrivals, seconds, loadSeconds, coldSeconds, ...choices }: Case): SimulationOptions {
  const {
    scaling = "steady",
    backend = sageMaker,
    limits = { deadlineSeconds: NEVER, runSeconds: NEVER },
  } = choices;
  return {
    arrivals,
    jobSeconds: { first: seconds + loadSeconds, other: seconds },
    limits,
    leastSeconds: choices.leastSeconds ?? 0,
    rules: backend.rules({ ...choices, scaling }),
    coldStartSeconds: () => coldSeconds,
  };
}

const arrivalTimes = fc
  .array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 80 })
  .map((values) => values.toSorted((a, b) => a - b));
const anyCase: fc.Arbitrary<Case> = fc.record({
  arrivals: arrivalTimes,
  seconds: fc.double({ min: 0.1, max: 900, noNaN: true }),
  loadSeconds: fc.double({ min: 0, max: 60, noNaN: true }),
  coldSeconds: fc.double({ min: 0, max: 900, noNaN: true }),
  instancesMax: fc.integer({ min: 1, max: 5 }),
  idleMinutes: fc.integer({ min: 2, max: 20 }),
  scaling: fc.constantFrom(...SCALINGS),
  backend: fc.constantFrom(sageMaker, ecs),
});
/** Limits that some jobs of a case keep, and others do not. */
const anyLimits: fc.Arbitrary<JobLimits> = fc.record({
  deadlineSeconds: fc.double({ min: 10, max: 4000, noNaN: true }),
  runSeconds: fc.double({ min: 5, max: 1000, noNaN: true }),
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const billed = (given: Case) =>
  sum(simulate(options(given)).instances.map(({ startedAt, removedAt }) => removedAt - startedAt));

describe("whatever arrives", () => {
  test("every video ends once, in the order of arrival, and none before it was asked for", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { jobs } = simulate(options(given));
        expect(jobs.map(({ arrivedAt }) => arrivedAt)).toEqual(given.arrivals);
        for (const [index, { arrivedAt, startedAt, endedAt }] of jobs.entries()) {
          expect(startedAt!).toBeGreaterThanOrEqual(arrivedAt);
          expect(endedAt).toBeGreaterThan(startedAt!);
          if (index > 0) expect(startedAt!).toBeGreaterThanOrEqual(jobs[index - 1]!.startedAt!);
        }
      }),
    );
  });

  test("billed time consists of busy, cold and idle time, and the busy time is that of the videos", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { jobs, instances } = simulate(options(given));
        for (const { startedAt, removedAt, coldSeconds, busySeconds, idleSeconds } of instances) {
          expect(Math.min(coldSeconds, busySeconds, idleSeconds)).toBeGreaterThanOrEqual(0);
          expect(coldSeconds + busySeconds + idleSeconds).toBeCloseTo(removedAt - startedAt, 5);
        }
        const used = instances.filter((instance) => instance.jobs > 0).length;
        expect(sum(instances.map(({ busySeconds }) => busySeconds))).toBeCloseTo(
          jobs.length * given.seconds + used * given.loadSeconds,
          5,
        );
      }),
    );
  });

  test("an instance runs one video at a time once it is ready, and is never removed while it runs one", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { jobs, instances } = simulate(options(given));
        for (const [index, { startedAt, coldSeconds, removedAt }] of instances.entries()) {
          const own = jobs.filter(({ instance }) => instance === index);
          let free = startedAt + coldSeconds;
          for (const job of own) {
            expect(job.startedAt).toBeGreaterThanOrEqual(free);
            free = job.endedAt;
          }
          expect(removedAt).toBeGreaterThanOrEqual(free);
        }
      }),
    );
  });

  test("the number of instances never exceeds the maximum", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { actions } = simulate(options(given));
        for (const { instances } of actions) expect(instances).toBeLessThanOrEqual(given.instancesMax);
        expect(actions.at(-1)?.instances ?? 0).toBe(0);
      }),
    );
  });

  test("the same options lead to the same result", () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        expect(simulate(options(given))).toEqual(simulate(options(given)));
      }),
      { numRuns: 20 },
    );
  });
});

describe("limits of a job", () => {
  test("no video runs past its deadline or the limit of a run, and every other one is finished", () => {
    fc.assert(
      fc.property(anyCase, anyLimits, (any, limits) => {
        const { jobs, instances } = simulate(options({ ...any, limits }));
        expect(jobs).toHaveLength(any.arrivals.length);
        for (const { arrivedAt, startedAt, endedAt, failure, instance } of jobs) {
          expect(endedAt).toBeLessThanOrEqual(arrivedAt + limits.deadlineSeconds + 1e-6);
          if (failure === "waited") expect([startedAt, instance]).toEqual([null, null]);
          else expect(endedAt - startedAt!).toBeLessThanOrEqual(limits.runSeconds + 1e-6);
          if (failure === null) expect(endedAt - startedAt!).toBeGreaterThanOrEqual(any.seconds - 1e-6);
        }
        const ran = jobs.filter(({ startedAt }) => startedAt !== null);
        const busy = sum(instances.map(({ busySeconds }) => busySeconds));
        expect(busy).toBeCloseTo(sum(ran.map((job) => job.endedAt - job.startedAt!)), 5);
      }),
    );
  });

  const one = { loadSeconds: 0, coldSeconds: 480, instancesMax: 1, idleMinutes: 5, arrivals: [0, 1, 2] };

  test("a video is stopped at its deadline and billed until then, and one behind it is never run", () => {
    const limits = { deadlineSeconds: 900, runSeconds: 3480 };
    const { jobs, instances } = simulate(options({ ...one, seconds: 200, limits }));
    // The instance is ready at 540. The second video would take until 940.
    expect(jobs.map(({ startedAt, endedAt, failure }) => [startedAt, endedAt, failure])).toEqual([
      [540, 740, null],
      [740, 901, "deadline"],
      [901, 902, "deadline"],
    ]);
    expect(instances[0]!.busySeconds).toBe(362);
    const dense = simulate(options({ ...one, seconds: 400, limits, arrivals: [0, 0, 0] })).jobs;
    expect(dense.map(({ failure }) => failure)).toEqual(["deadline", "waited", "waited"]);
  });

  test("a video that cannot end in time is not begun once five were measured, and one that can is made", () => {
    const limits = { deadlineSeconds: 1500, runSeconds: 3480 };
    const queue = { ...one, seconds: 100, limits, arrivals: [...Array(13).fill(0), 900] };
    const ended = (given: Case) => simulate(options(given)).jobs.map(({ failure }) => failure ?? "made");
    const made = Array(9).fill("made");
    // The instance is ready at 540. The tenth video would begin at 1440, 60 seconds before its deadline.
    expect(ended(queue)).toEqual([...made, "deadline", ...Array(3).fill("waited"), "made"]);
    const refusing = { ...queue, leastSeconds: 100 };
    expect(ended(refusing)).toEqual([...made, ...Array(4).fill("waited"), "made"]);
    expect(simulate(options(refusing)).jobs.at(-1)!.startedAt).toBe(1440);
    const few = { ...refusing, seconds: 300, leastSeconds: 300, arrivals: Array(5).fill(0) };
    expect(ended(few)).toEqual(["made", "made", "made", "deadline", "waited"]);
  });

  test("a queue never makes fewer videos in time if those that cannot end are not begun", () => {
    fc.assert(
      fc.property(anyCase, fc.double({ min: 10, max: 4000, noNaN: true }), (any, deadlineSeconds) => {
        const limits = { deadlineSeconds, runSeconds: NEVER };
        const given = { ...any, limits, loadSeconds: 0, instancesMax: 1, idleMinutes: NEVER };
        const made = (leastSeconds: number) =>
          simulate(options({ ...given, leastSeconds })).jobs.filter(({ failure }) => failure === null).length;
        expect(made(given.seconds)).toBeGreaterThanOrEqual(made(0));
      }),
    );
  });

  test("a video that takes longer than a run may is stopped, and others are run after it", () => {
    const limits = { deadlineSeconds: 21_600, runSeconds: 3480 };
    const { jobs } = simulate(options({ ...one, seconds: 4000, limits }));
    expect(jobs.map(({ startedAt, failure }) => [startedAt, failure])).toEqual([
      [540, "run"],
      [4020, "run"],
      [7500, "run"],
    ]);
  });

  test("a video whose deadline passes before an instance is there costs no instance time", () => {
    const limits = { deadlineSeconds: 300, runSeconds: 3480 };
    const { jobs, instances } = simulate(options({ ...one, seconds: 10, limits, arrivals: [30] }));
    expect(jobs).toEqual([
      { arrivedAt: 30, startedAt: null, endedAt: 330, instance: null, failure: "waited" },
    ]);
    expect(instances).toMatchObject([{ busySeconds: 0, jobs: 0 }]);
  });
});

describe("monotonicity", () => {
  test("a single instance never costs less with one more video at the end", () => {
    fc.assert(
      fc.property(anyCase, (any) => {
        const given = { ...any, instancesMax: 1 };
        const fewer = { ...given, arrivals: given.arrivals.slice(0, -1) };
        expect(billed(given)).toBeGreaterThanOrEqual(billed(fewer) - 1e-6);
      }),
    );
  });

  test("one more video in between may cost less: it keeps the instance from sleeping", () => {
    const given = { seconds: 60, loadSeconds: 0, coldSeconds: 600, instancesMax: 1, idleMinutes: 5 };
    expect(billed({ ...given, arrivals: [0, 900, 1140] })).toBeLessThan(
      billed({ ...given, arrivals: [0, 1140] }),
    );
  });

  test("faster steps never raise the waiting time before an instance that stays", () => {
    fc.assert(
      fc.property(anyCase, fc.double({ min: 0.05, max: 1, noNaN: true }), (any, factor) => {
        const given = { ...any, instancesMax: 1, idleMinutes: NEVER };
        const slow = simulate(options(given)).jobs;
        const fast = simulate(options({ ...given, seconds: given.seconds * factor })).jobs;
        for (const [index, job] of fast.entries()) {
          expect(job.startedAt!).toBeLessThanOrEqual(slow[index]!.startedAt! + 1e-6);
        }
      }),
    );
  });
});

describe("closed-form results", () => {
  test("a single video a day costs its cold start, its run and the idle window, exactly", () => {
    const given = { seconds: 50, loadSeconds: 10, coldSeconds: 480, instancesMax: 4, idleMinutes: 5 };
    const { instances, jobs } = simulate(options({ ...given, arrivals: [100, 86_500, 172_900] }));
    expect(instances).toHaveLength(3);
    for (const instance of instances) {
      expect(instance.removedAt - instance.startedAt).toBe(480 + 60 + 5 * 60);
      expect(instance).toMatchObject({ coldSeconds: 480, busySeconds: 60, idleSeconds: 300, jobs: 1 });
    }
    // Requested 20 s before the end of a minute.
    expect(jobs.map(({ arrivedAt, startedAt }) => startedAt! - arrivedAt)).toEqual([500, 500, 500]);
  });

  test("an endpoint wakes, grows, and sleeps with everything done", () => {
    const given = { seconds: 300, loadSeconds: 0, coldSeconds: 120, instancesMax: 2, idleMinutes: 5 };
    const { actions, instances } = simulate(options({ ...given, arrivals: [1, 2, 3, 4] }));
    expect(actions).toEqual([
      { at: 60, instances: 1 },
      // The first instance is ready at 180 and has four jobs.
      { at: 300, instances: 2 },
      // Each instance runs two jobs: from 180 and 480 on the first, from 420 and 720 on the second.
      { at: 1320, instances: 0 },
    ]);
    expect(instances.map(({ jobs, coldSeconds }) => [jobs, coldSeconds])).toEqual([
      [2, 120],
      [2, 120],
    ]);
  });

  test("a running video counts towards the backlog like a waiting one", () => {
    const given = { seconds: 900, loadSeconds: 0, coldSeconds: 0, instancesMax: 2, idleMinutes: 5 };
    const { actions } = simulate(options({ ...given, arrivals: [30, 100] }));
    // Both wait from 100 on, so 120, 180 and 240 are three consecutive minutes.
    expect(actions.slice(0, 2)).toEqual([
      { at: 60, instances: 1 },
      { at: 240, instances: 2 },
    ]);
  });

  test("the mean wait before one instance follows the formula of Pollaczek and Khinchine", () => {
    const seconds = 50;
    for (const load of [0.3, 0.6]) {
      const videosPerDay = (load * 86_400) / seconds;
      const arrivals = drawArrivals({ videosPerDay, days: 200_000 / videosPerDay, profile: "flat", seed: 4 });
      const given = {
        arrivals,
        seconds,
        loadSeconds: 0,
        coldSeconds: 0,
        instancesMax: 1,
        idleMinutes: NEVER,
      };
      const waits = simulate(options(given))
        .jobs.slice(100)
        .map((job) => job.startedAt! - job.arrivedAt);
      const expected = (load * seconds) / (2 * (1 - load));
      expect(sum(waits) / waits.length / expected).toBeCloseTo(1, 1);
    }
  });

  test("workers on ECS that have nothing to do go one by one, and never one that works", () => {
    const given = { seconds: 1500, loadSeconds: 0, coldSeconds: 120, instancesMax: 4, idleMinutes: 5 };
    const arrivals = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const { actions, instances } = simulate(options({ ...given, arrivals, backend: ecs }));
    expect(actions[0]).toEqual({ at: 60, instances: 4 });
    const counts = actions.map(({ instances: count }) => count);
    // Eight of the nine jobs run by fours, and the last one alone.
    expect(counts).toEqual([4, 3, 2, 1, 0]);
    const removed = actions.slice(1).map(({ at }) => at);
    expect(removed.slice(0, 3).map((at) => at - 60 - 120 - 3000)).toEqual([240, 480, 720]);
    expect(instances.map(({ jobs }) => jobs).toSorted()).toEqual([2, 2, 2, 3]);
  });

  test("no arrivals lead to no jobs and no instances", () => {
    const given = {
      arrivals: [],
      seconds: 1,
      loadSeconds: 0,
      coldSeconds: 0,
      instancesMax: 1,
      idleMinutes: 5,
    };
    expect(simulate(options(given))).toEqual({ jobs: [], instances: [], actions: [] });
  });
});
