import type { DeploymentConfig } from "../../config.ts";
import { doublingSteps, JOBS_EACH, type ScaleOutRule } from "../scaling-rules.ts";

/** Settings of a deployment that its scaling depends on. */
export type ScalingChoice = Pick<DeploymentConfig, "instancesMax" | "idleMinutes" | "scaling">;

/** Rules by which instances are added; all are removed together after `idleMinutes` without a job. */
export interface ScaleOutRules {
  /** Counts the jobs that wait while there is no instance. */
  readonly wake: ScaleOutRule;
  /** Counts the queued and running jobs for each instance. Null for a maximum of one instance. */
  readonly grow: ScaleOutRule | null;
}

const WAKE_COOLDOWN_SECONDS = 300;

/** Longer than an instance takes to start, so that one backlog does not start instances twice. */
const GROW_COOLDOWN_SECONDS = 900;

/** Returns the rules of a deployment. */
export function scaleOutRules({ instancesMax, idleMinutes, scaling }: ScalingChoice): ScaleOutRules {
  const isSteady = scaling === "steady" || instancesMax === 1;
  return {
    wake: {
      minutes: 1,
      // The cooldown ends before Sleep can act; otherwise it would delay the instance of the next job.
      cooldownSeconds: Math.min(WAKE_COOLDOWN_SECONDS, idleMinutes * 60),
      unit: "instances",
      steps: [
        { from: 1, add: 1 },
        ...(isSteady ? [] : doublingSteps(instancesMax, (add) => JOBS_EACH * add)),
      ],
    },
    grow:
      instancesMax === 1
        ? null
        : {
            minutes: 3,
            cooldownSeconds: GROW_COOLDOWN_SECONDS,
            ...(isSteady
              ? { unit: "instances", steps: [{ from: 2, add: 1 }] }
              : { unit: "percent", steps: GROWING_STEPS }),
          },
  };
}

/** Steps with instances: a quarter more for a short queue, else as many as leave each with `JOBS_EACH` jobs or fewer. */
const GROWING_STEPS: ScaleOutRule["steps"] = [
  { from: 2, add: 25 },
  { from: 1.5 * JOBS_EACH, add: 50 },
  { from: 2 * JOBS_EACH, add: 100 },
  { from: 4 * JOBS_EACH, add: 300 },
  { from: 8 * JOBS_EACH, add: 700 },
];
