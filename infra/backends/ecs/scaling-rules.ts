import type { DeploymentConfig } from "../../config.ts";
import { doublingSteps, JOBS_EACH, type ScaleOutRule } from "../scaling-rules.ts";

/**
 * Seconds after an action in which only what a longer backlog needs is added: longer than a task takes to start, so
 * that one backlog does not start tasks twice.
 */
const OUT_COOLDOWN_SECONDS = 600;

/** Seconds between two removals: longer than it takes until the metrics show the one before. */
export const IN_COOLDOWN_SECONDS = 240;

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
    steps: [{ from: 1, add: 1 }, ...doublingSteps(instancesMax, (add) => JOBS_EACH * (add / 2) + 1)],
  } as const satisfies ScaleOutRule;
}
