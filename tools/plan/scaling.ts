/** What the metrics of the endpoint say at the end of a minute. */
export interface MinuteSample {
  /** Queued and running jobs. */
  readonly backlog: number;
  /** Whether there was a job at any moment of the minute. */
  readonly hadWork: boolean;
  /** Instances that take jobs. */
  readonly inService: number;
  /** Instances that were asked for and do not take jobs yet. */
  readonly starting: number;
}

export interface ScalingRules {
  readonly instancesMax: number;
  /** One more while there is a backlog and no instance. */
  readonly wake: { readonly minutes: number; readonly cooldownSeconds: number };
  /** One more while the backlog of an instance is at least this. */
  readonly grow: { readonly backlog: number; readonly minutes: number; readonly cooldownSeconds: number };
  /** All instances go after that many minutes without a job; Infinity for never. */
  readonly idleMinutes: number;
}

export type ScalingAction = "wake" | "grow" | "sleep";

/**
 * Returns what decides, minute by minute, what the endpoint does: one instance more (`wake`, `grow`), none at all
 * (`sleep`), or nothing. It never takes away some of the instances, so that a job that runs is never killed. While an
 * instance starts nothing is decided, since an endpoint takes one change at a time.
 */
export function scaler(rules: ScalingRules): (sample: MinuteSample) => ScalingAction | null {
  const { wake, grow, idleMinutes, instancesMax } = rules;
  let minute = 0;
  /** Minutes in a row for which each condition held. */
  let withoutCapacity = 0;
  let overloaded = 0;
  let idle = 0;
  const readyAt = { wake: 0, grow: 0 };
  const isCool = (rule: "wake" | "grow") => minute * 60 >= readyAt[rule];

  function add(rule: "wake" | "grow"): ScalingAction {
    readyAt[rule] = minute * 60 + rules[rule].cooldownSeconds;
    return rule;
  }

  return ({ backlog, hadWork, inService, starting }) => {
    minute += 1;
    withoutCapacity = backlog > 0 && inService === 0 ? withoutCapacity + 1 : 0;
    overloaded = inService > 0 && backlog / inService >= grow.backlog ? overloaded + 1 : 0;
    idle = hadWork ? 0 : idle + 1;
    if (starting > 0) return null;
    if (inService > 0 && idle >= idleMinutes) return "sleep";
    if (inService >= instancesMax) return null;
    if (withoutCapacity >= wake.minutes && isCool("wake")) return add("wake");
    if (overloaded >= grow.minutes && isCool("grow")) return add("grow");
    return null;
  };
}
