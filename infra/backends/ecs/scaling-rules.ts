import type { DeploymentConfig } from "../../config.ts";
import type { ScaleOutRule, ScalingStep } from "../scaling-rules.ts";

/**
 * Seconds after an action in which only what a longer backlog needs is added: longer than a task takes to start, so
 * that one backlog does not start tasks twice.
 */
const OUT_COOLDOWN_SECONDS = 600;

/** Seconds between two removals: longer than it takes until the metrics show the one before. */
export const IN_COOLDOWN_SECONDS = 240;

/** Jobs for each new task that a start by backlog aims at. */
const JOBS_EACH = 4;

/**
 * Returns the rule by which tasks are added, of the number of jobs that wait for a worker; jobs that run do not
 * count. The tasks that have nothing to do are removed one by one after `idleMinutes`, and all when there is no job.
 */
export function scaleOutRule({
  instancesMax,
  idleMinutes,
}: Pick<DeploymentConfig, "instancesMax" | "idleMinutes">) {
  return {
    minutes: 1,
    // The cooldown ends before Sleep can act; otherwise it would delay the instance of the next job.
    cooldownSeconds: Math.min(OUT_COOLDOWN_SECONDS, idleMinutes * 60),
    unit: "instances",
    steps: [{ from: 1, add: 1 }, ...furtherSteps(instancesMax)],
  } as const satisfies ScaleOutRule;
}

/** Returns the steps of a backlog: each doubles the tasks that are added, up to the maximum. */
function furtherSteps(instancesMax: number): ScalingStep[] {
  const steps: ScalingStep[] = [];
  for (let add = 2; add < 2 * instancesMax; add *= 2)
    steps.push({ from: JOBS_EACH * (add / 2) + 1, add: Math.min(add, instancesMax) });
  return steps;
}
