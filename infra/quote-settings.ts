import { COLD_START_SECONDS as ECS_START } from "./backends/ecs/cold-start.ts";
import { typesOf } from "./backends/instance-types.ts";
import { COLD_START_SECONDS as SAGEMAKER_START } from "./backends/sagemaker/cold-start.ts";
import type { DeploymentConfig } from "./config.ts";

/** Seconds from the decision to start an instance until it takes jobs, by backend. */
const COLD_START_SECONDS = { sagemaker: SAGEMAKER_START, ecs: ECS_START };

/**
 * Returns what the quotes of a deployment rest on, as functions/api/edge/edge-config.ts parses it: the price of its
 * instances, which is that of the first type and at most that of the dearest, and the start from zero.
 */
export function quoteSettings(config: DeploymentConfig) {
  const { backend, instancesMax, idleMinutes, pricePerHour } = config;
  const prices = typesOf(config).map(({ dollarsPerHour }) => dollarsPerHour);
  const { least, usual, most } = COLD_START_SECONDS[backend];
  return {
    price:
      pricePerHour === null
        ? { usdPerHour: prices[0]!, usdPerHourMost: Math.max(...prices), source: "list" as const }
        : { usdPerHour: pricePerHour, usdPerHourMost: pricePerHour, source: "setting" as const },
    workers: { least: 1, most: instancesMax },
    zero: {
      coldStart: { expected: usual, low: least, high: most },
      idleMs: idleMinutes * 60_000,
    },
  };
}
