/** Step of a policy that adds instances. */
export interface ScalingStep {
  /** Value of the policy's metric from which the step counts, up to the next step. */
  readonly from: number;
  /** Instances to add, or a percentage of those that run. */
  readonly add: number;
}

/** Numbers of a policy that adds instances, from which its template and the simulation of `npm run plan` are made. */
export interface ScaleOutRule {
  /** Minutes in a row in which the metric must reach the first step. */
  readonly minutes: number;
  /** Seconds after an action in which the policy adds nothing more. */
  readonly cooldownSeconds: number;
  readonly unit: "instances" | "percent";
  /** Steps in ascending order. The one of the metric's last minute is taken. */
  readonly steps: readonly [ScalingStep, ...ScalingStep[]];
}

/** Jobs for each instance that a start by backlog aims at. */
export const JOBS_EACH = 4;

/**
 * Returns the steps of a start by backlog beyond one instance: each doubles the instances that are added, up to the
 * maximum.
 *
 * @param fromOf returns the value of the metric from which so many are added
 */
export function doublingSteps(instancesMax: number, fromOf: (add: number) => number): ScalingStep[] {
  const steps: ScalingStep[] = [];
  for (let add = 2; add < 2 * instancesMax; add *= 2)
    steps.push({ from: fromOf(add), add: Math.min(add, instancesMax) });
  return steps;
}
