import type { ScaleOutRule } from "../../infra/backends/scaling-rules.ts";

/** Metrics of the endpoint at the end of a minute. */
export interface MinuteSample {
  /** Number of queued and running jobs. */
  readonly backlog: number;
  /** True if there was a job at any time of the minute. */
  readonly hadWork: boolean;
  /** Number of instances that take jobs. */
  readonly inService: number;
  /** Number of instances that are starting. */
  readonly starting: number;
}

export interface ScalingRules {
  readonly instancesMax: number;
  /** Adds instances by the jobs that wait while there is no instance. */
  readonly wake: ScaleOutRule;
  /** Adds instances by the jobs for each instance; null for never. */
  readonly grow: ScaleOutRule | null;
  /** Minutes without a job after which all instances are removed; Infinity for never. */
  readonly idleMinutes: number;
}

/** Change of the number of instances. */
export interface ScalingAction {
  readonly kind: "wake" | "grow" | "sleep";
  /** Number of instances after it. */
  readonly instances: number;
}

/**
 * Returns a function that decides, minute by minute, whether the endpoint adds instances (`wake`, `grow`), removes all
 * (`sleep`), or does nothing. It never removes some of the instances, so that no running job is killed. While an
 * instance starts it does nothing, since an endpoint takes one change at a time.
 */
export function scaler(rules: ScalingRules): (sample: MinuteSample) => ScalingAction | null {
  const { idleMinutes, instancesMax } = rules;
  let minute = 0;
  let idle = 0;
  const wake = scaleOut(rules.wake);
  const grow = rules.grow && scaleOut(rules.grow);

  return ({ backlog, hadWork, inService, starting }) => {
    minute += 1;
    idle = hadWork ? 0 : idle + 1;
    const mayAdd = starting === 0 && inService < instancesMax;
    const woken = wake(inService === 0 ? backlog : 0, { instances: 0, minute, mayAdd });
    const each = inService === 0 ? 0 : backlog / inService;
    const grown = grow?.(each, { instances: inService, minute, mayAdd }) ?? 0;
    if (starting > 0) return null;
    if (inService > 0 && idle >= idleMinutes) return { kind: "sleep", instances: 0 };
    const instances = Math.min(instancesMax, inService + woken + grown);
    if (instances === inService) return null;
    return { kind: woken > 0 ? "wake" : "grow", instances };
  };
}

interface Now {
  readonly instances: number;
  readonly minute: number;
  /** False while the endpoint cannot add instances, so that no cooldown begins. */
  readonly mayAdd: boolean;
}

/** Returns a function that is told a rule's metric each minute, and returns the number of instances to add. */
function scaleOut({ minutes, cooldownSeconds, unit, steps }: ScaleOutRule) {
  let breached = 0;
  let readyAt = 0;
  return (metric: number, { instances, minute, mayAdd }: Now): number => {
    const step = steps.findLast(({ from }) => metric >= from);
    breached = step ? breached + 1 : 0;
    if (!step || !mayAdd || breached < minutes || minute * 60 < readyAt) return 0;
    readyAt = minute * 60 + cooldownSeconds;
    return unit === "instances" ? step.add : percentOf(instances, step.add);
  };
}

/** Returns a percentage as AWS rounds it: down, and to at least one instance. */
function percentOf(instances: number, percent: number): number {
  return Math.max(1, Math.floor((instances * percent) / 100));
}
