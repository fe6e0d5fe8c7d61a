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
  /** Adds an instance after `minutes` of backlog without an instance. */
  readonly wake: { readonly minutes: number; readonly cooldownSeconds: number };
  /** Adds an instance after `minutes` in which the backlog per instance is at least `backlog`. */
  readonly grow: { readonly backlog: number; readonly minutes: number; readonly cooldownSeconds: number };
  /** Minutes without a job after which all instances are removed; Infinity for never. */
  readonly idleMinutes: number;
}

export type ScalingAction = "wake" | "grow" | "sleep";

/**
 * Returns a function that decides, minute by minute, whether the endpoint adds an instance (`wake`, `grow`), removes
 * all (`sleep`), or does nothing. It never removes some of the instances, so that no running job is killed. While an
 * instance starts it does nothing, since an endpoint takes one change at a time.
 */
export function scaler(rules: ScalingRules): (sample: MinuteSample) => ScalingAction | null {
  const { wake, grow, idleMinutes, instancesMax } = rules;
  let minute = 0;
  /** Number of consecutive minutes in which each condition held. */
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
