import { RUNS_LEAST } from "../../lib/service/quotes/index.ts";
import { type MinuteSample, type ScalingRules, scaler } from "./scaling.ts";

export interface SimulationOptions {
  /** Times of requests in seconds, ascending. */
  readonly arrivals: readonly number[];
  /** Seconds that a job occupies an instance: the instance's first job, which loads the model, and every other job. */
  readonly jobSeconds: { readonly first: number; readonly other: number };
  readonly limits: JobLimits;
  /** Seconds that a job is known to take at least, once enough were measured; 0 for jobs that are always begun. */
  readonly leastSeconds: number;
  readonly rules: ScalingRules;
  /** Seconds from the decision to start an instance until it takes jobs; instances are numbered in order of start. */
  readonly coldStartSeconds: (instance: number) => number;
}

/** Limits of a job, as lib/service/jobs and the GPU function keep them. */
export interface JobLimits {
  /** Seconds from a request to its deadline. A job that waits then is never run, and a running one is stopped. */
  readonly deadlineSeconds: number;
  /** Maximum seconds of a run; a longer one is stopped, and its job fails. */
  readonly runSeconds: number;
}

/** Reason of a failed job: it `waited` until it could not end any more by its deadline, its `deadline` came while it ran, or its `run` was too long. */
export type Failure = "waited" | "deadline" | "run";

/** Simulated video; times in seconds. */
export interface SimulatedJob {
  readonly arrivedAt: number;
  /** Null for a job that was never run. */
  readonly startedAt: number | null;
  /** Time when it was finished or had failed. */
  readonly endedAt: number;
  /** Index into `Simulation.instances`, or null. */
  readonly instance: number | null;
  readonly failure: Failure | null;
}

/** Simulated instance, billed from the decision to start it until its removal; times in seconds. */
export interface SimulatedInstance {
  readonly startedAt: number;
  readonly removedAt: number;
  readonly coldSeconds: number;
  readonly busySeconds: number;
  readonly idleSeconds: number;
  readonly jobs: number;
}

/** Change of the number of instances, at a time in seconds. */
export interface ScalingAction {
  readonly at: number;
  /** Number of instances after it. */
  readonly instances: number;
}

export interface Simulation {
  /** Jobs in the order of their arrivals. */
  readonly jobs: readonly SimulatedJob[];
  readonly instances: readonly SimulatedInstance[];
  readonly actions: readonly ScalingAction[];
}

interface Instance {
  readonly index: number;
  readonly startedAt: number;
  readonly readyAt: number;
  /** Time from which it can take the next job: when it is ready, and later when its job ends. */
  freeAt: number;
  busySeconds: number;
  idleSeconds: number;
  jobs: number;
}

const MINUTE = 60;

/**
 * Simulates an endpoint that serves the arrivals in order, one job at a time per instance. It starts with zero
 * instances, and ends when all jobs are done and it has scaled to zero again. Metrics are taken, and scaling decides,
 * at the end of every minute. The number of instances is constant within a minute, so a minute's jobs are computed in
 * one step.
 */
export function simulate(options: SimulationOptions): Simulation {
  const { arrivals, jobSeconds, limits, leastSeconds, rules, coldStartSeconds } = options;
  const decide = scaler(rules);
  const jobs: SimulatedJob[] = [];
  const instances: SimulatedInstance[] = [];
  const actions: ScalingAction[] = [];
  let live: Instance[] = [];
  let launched = 0;
  let arrived = 0;
  let lastEnd = Number.NEGATIVE_INFINITY;
  let measured = 0;
  let measuredAt = Number.NEGATIVE_INFINITY;

  /** Starts every job that an instance can take until a time, and ends those whose deadline passes before. */
  function serve(until: number): void {
    while (jobs.length < arrivals.length) {
      const arrivedAt = arrivals[jobs.length]!;
      const deadlineAt = arrivedAt + limits.deadlineSeconds;
      const instance = live.reduce<Instance | null>(
        (first, other) => (first && first.freeAt <= other.freeAt ? first : other),
        null,
      );
      const startedAt = Math.max(arrivedAt, instance?.freeAt ?? Number.POSITIVE_INFINITY);
      if (Math.min(startedAt, deadlineAt) > until) return;
      if (instance && startedAt < deadlineAt && !isLate(arrivedAt, startedAt)) {
        jobs.push(run(instance, arrivedAt, startedAt));
      } else {
        const endedAt = Math.min(startedAt, deadlineAt);
        jobs.push({ arrivedAt, startedAt: null, endedAt, instance: null, failure: "waited" });
      }
      lastEnd = Math.max(lastEnd, jobs.at(-1)!.endedAt);
    }
  }

  /** Returns whether an instance refuses a job, as the GPU function does: it is known that it cannot end in time. */
  function isLate(arrivedAt: number, startedAt: number): boolean {
    const waited = startedAt - arrivedAt;
    const isKnown = measured >= RUNS_LEAST && measuredAt <= startedAt;
    const { deadlineSeconds } = limits;
    return isKnown && waited > deadlineSeconds / 2 && waited + leastSeconds >= deadlineSeconds;
  }

  /** Runs a job until it is done, its deadline, or the limit of a run. */
  function run(instance: Instance, arrivedAt: number, startedAt: number): SimulatedJob {
    const needed = instance.jobs === 0 ? jobSeconds.first : jobSeconds.other;
    const left = arrivedAt + limits.deadlineSeconds - startedAt;
    const seconds = Math.min(needed, left, limits.runSeconds);
    const failure = seconds === needed ? null : seconds === left ? "deadline" : "run";
    instance.idleSeconds += startedAt - instance.freeAt;
    instance.busySeconds += seconds;
    instance.freeAt = startedAt + seconds;
    instance.jobs += 1;
    if (failure === null && measured < RUNS_LEAST) {
      measured += 1;
      measuredAt = Math.max(measuredAt, instance.freeAt);
    }
    return { arrivedAt, startedAt, endedAt: instance.freeAt, instance: instance.index, failure };
  }

  function sample(now: number): MinuteSample {
    while (arrived < arrivals.length && arrivals[arrived]! <= now) arrived += 1;
    const running = live.filter(({ jobs: count, freeAt }) => count > 0 && freeAt > now).length;
    const waiting = arrived - jobs.length;
    const inService = live.filter(({ readyAt }) => readyAt <= now).length;
    const hadWork = waiting + running > 0 || lastEnd > now - MINUTE;
    return { waiting, running, hadWork, inService, starting: live.length - inService };
  }

  function launch(now: number): void {
    const readyAt = now + coldStartSeconds(launched);
    const count = { busySeconds: 0, idleSeconds: 0, jobs: 0 };
    live.push({ index: launched, startedAt: now, readyAt, freeAt: readyAt, ...count });
    launched += 1;
  }

  /** Removes instances, those first that have been free for the longest time. */
  function remove(count: number, now: number): void {
    if (count <= 0) return;
    const gone = live.toSorted((a, b) => a.freeAt - b.freeAt).slice(0, count);
    live = live.filter((instance) => !gone.includes(instance));
    for (const { index, startedAt, readyAt, freeAt, busySeconds, idleSeconds, jobs: ran } of gone) {
      instances[index] = {
        startedAt,
        removedAt: now,
        coldSeconds: readyAt - startedAt,
        busySeconds,
        idleSeconds: idleSeconds + now - freeAt,
        jobs: ran,
      };
    }
  }

  const sleeps = Number.isFinite(rules.idleMinutes);
  const isOver = (now: number) =>
    jobs.length === arrivals.length && now >= lastEnd && (live.length === 0 || !sleeps);
  let now = 0;
  while (!isOver(now)) {
    now += MINUTE;
    serve(now);
    const wanted = decide(sample(now));
    if (wanted === null) continue;
    actions.push({ at: now, instances: wanted });
    remove(live.length - wanted, now);
    while (live.length < wanted) launch(now);
  }
  // Instances that never sleep are billed until the last job has ended, or until they are ready.
  remove(live.length, Math.max(now, ...live.map(({ readyAt }) => readyAt)));
  return { jobs, instances, actions };
}
