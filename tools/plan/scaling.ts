import type { ScaleOutRule } from "../../infra/backends/scaling-rules.ts";

/** Metrics of the backend at the end of a minute. */
export interface MinuteSample {
  /** Number of queued and of running jobs. */
  readonly waiting: number;
  readonly running: number;
  /** True if there was a job at any time of the minute. */
  readonly hadWork: boolean;
  /** Number of instances that take jobs. */
  readonly inService: number;
  /** Number of instances that are starting. */
  readonly starting: number;
}

/** Policy that adds instances, with the metric that its rule counts. */
export interface AddingPolicy extends ScaleOutRule {
  /** Description of the metric, such as `jobs for each instance`. */
  readonly counts: string;
  metric(sample: MinuteSample): number;
}

export interface ScalingRules {
  readonly instancesMax: number;
  readonly adding: readonly AddingPolicy[];
  /** True if instances are added while others start. */
  readonly addsWhileStarting: boolean;
  /** Minutes without a job after which all instances are removed; Infinity for never. */
  readonly idleMinutes: number;
  /** Seconds between two removals of an instance that does not work for `idleMinutes`; null if all go together. */
  readonly removalSeconds: number | null;
}

/**
 * Returns a function that decides, minute by minute, how many instances there shall be: it adds some, removes all, or
 * returns null to leave them. Some of them are removed only where the rules do, and then one that does not work.
 */
export function scaler(rules: ScalingRules): (sample: MinuteSample) => number | null {
  const { idleMinutes, instancesMax, addsWhileStarting } = rules;
  const policies = rules.adding.map(adder);
  const removes = remover(rules);
  let idle = 0;

  return (sample) => {
    const { hadWork, inService, starting } = sample;
    idle = hadWork ? 0 : idle + 1;
    const isSpare = removes(sample);
    const instances = inService + starting;
    const mayAdd = instances < instancesMax && (addsWhileStarting || starting === 0);
    // Where several policies add instances, the one that adds the most decides.
    const added = Math.max(0, ...policies.map((add) => add(sample, mayAdd)));
    if (added > 0) return Math.min(instancesMax, instances + added);
    if (idle >= idleMinutes && inService > 0 && starting === 0) return 0;
    return isSpare ? instances - 1 : null;
  };
}

/**
 * Returns a function that is told each minute, and returns the number of instances that a policy adds. In the cooldown
 * it adds what exceeds its last action, as Application Auto Scaling does.
 */
function adder({ minutes, cooldownSeconds, unit, steps, metric }: AddingPolicy) {
  let minute = 0;
  let breached = 0;
  let coolAt = 0;
  let lastAdded = 0;
  return (sample: MinuteSample, mayAdd: boolean): number => {
    minute += 1;
    const value = metric(sample);
    const step = steps.findLast(({ from }) => value >= from);
    breached = step ? breached + 1 : 0;
    if (!step || !mayAdd || breached < minutes) return 0;
    if (minute * 60 >= coolAt) lastAdded = 0;
    const instances = sample.inService + sample.starting;
    const wanted = unit === "instances" ? step.add : percentOf(instances, step.add);
    const added = Math.max(0, wanted - lastAdded);
    if (added === 0) return 0;
    lastAdded += added;
    coolAt = minute * 60 + cooldownSeconds;
    return added;
  };
}

/** Returns a function that is told each minute, and returns whether an instance that does not work is removed. */
function remover({ removalSeconds, idleMinutes }: ScalingRules) {
  let minute = 0;
  let spare = 0;
  let coolAt = 0;
  return ({ waiting, running, inService }: MinuteSample): boolean => {
    minute += 1;
    spare = waiting === 0 && inService > running ? spare + 1 : 0;
    if (removalSeconds === null || spare < idleMinutes || minute * 60 < coolAt) return false;
    coolAt = minute * 60 + removalSeconds;
    return true;
  };
}

/** Returns a percentage as AWS rounds it: down, and to at least one instance. */
function percentOf(instances: number, percent: number): number {
  return Math.max(1, Math.floor((instances * percent) / 100));
}
