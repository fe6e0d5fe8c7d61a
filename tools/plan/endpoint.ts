import { type MinuteSample, type ScalingAction, type ScalingRules, scaler } from "./scaling.ts";

export interface SimulationOptions {
  /** Times of requests in seconds, ascending. */
  readonly arrivals: readonly number[];
  /** Seconds that a job occupies an instance: the instance's first job, which loads the model, and every other job. */
  readonly jobSeconds: { readonly first: number; readonly other: number };
  readonly rules: ScalingRules;
  /** Seconds from the decision to start an instance until it takes jobs; instances are numbered in order of start. */
  readonly coldStartSeconds: (instance: number) => number;
}

/** Simulated video; times in seconds. */
export interface SimulatedJob {
  readonly arrivedAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Index into `Simulation.instances`. */
  readonly instance: number;
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

export interface Simulation {
  /** Jobs in the order of their arrivals. */
  readonly jobs: readonly SimulatedJob[];
  readonly instances: readonly SimulatedInstance[];
  readonly actions: readonly { readonly at: number; readonly action: ScalingAction }[];
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
export function simulate({ arrivals, jobSeconds, rules, coldStartSeconds }: SimulationOptions): Simulation {
  const decide = scaler(rules);
  const jobs: SimulatedJob[] = [];
  const instances: SimulatedInstance[] = [];
  const actions: { at: number; action: ScalingAction }[] = [];
  let live: Instance[] = [];
  let launched = 0;
  let arrived = 0;
  let lastEnd = Number.NEGATIVE_INFINITY;

  /** Starts every job that an instance can take until a time. */
  function serve(until: number): void {
    while (jobs.length < arrivals.length && live.length > 0) {
      const arrivedAt = arrivals[jobs.length]!;
      const instance = live.reduce((first, other) => (other.freeAt < first.freeAt ? other : first));
      const startedAt = Math.max(arrivedAt, instance.freeAt);
      if (startedAt > until) return;
      const seconds = instance.jobs === 0 ? jobSeconds.first : jobSeconds.other;
      instance.idleSeconds += startedAt - instance.freeAt;
      instance.busySeconds += seconds;
      instance.freeAt = startedAt + seconds;
      instance.jobs += 1;
      lastEnd = Math.max(lastEnd, instance.freeAt);
      jobs.push({ arrivedAt, startedAt, endedAt: instance.freeAt, instance: instance.index });
    }
  }

  function sample(now: number): MinuteSample {
    while (arrived < arrivals.length && arrivals[arrived]! <= now) arrived += 1;
    const running = live.filter(({ jobs: count, freeAt }) => count > 0 && freeAt > now).length;
    const backlog = arrived - jobs.length + running;
    const inService = live.filter(({ readyAt }) => readyAt <= now).length;
    const hadWork = backlog > 0 || lastEnd > now - MINUTE;
    return { backlog, hadWork, inService, starting: live.length - inService };
  }

  function launch(now: number): void {
    const readyAt = now + coldStartSeconds(launched);
    const count = { busySeconds: 0, idleSeconds: 0, jobs: 0 };
    live.push({ index: launched, startedAt: now, readyAt, freeAt: readyAt, ...count });
    launched += 1;
  }

  function removeAll(now: number): void {
    for (const { index, startedAt, readyAt, freeAt, busySeconds, idleSeconds, jobs: count } of live) {
      instances[index] = {
        startedAt,
        removedAt: now,
        coldSeconds: readyAt - startedAt,
        busySeconds,
        idleSeconds: idleSeconds + now - freeAt,
        jobs: count,
      };
    }
    live = [];
  }

  const sleeps = Number.isFinite(rules.idleMinutes);
  const isOver = (now: number) =>
    jobs.length === arrivals.length && now >= lastEnd && (live.length === 0 || !sleeps);
  let now = 0;
  while (!isOver(now)) {
    now += MINUTE;
    serve(now);
    const action = decide(sample(now));
    if (!action) continue;
    actions.push({ at: now, action });
    if (action === "sleep") removeAll(now);
    else launch(now);
  }
  // Instances that never sleep are billed until the last job has ended, or until they are ready.
  removeAll(Math.max(now, ...live.map(({ readyAt }) => readyAt)));
  return { jobs, instances, actions };
}
