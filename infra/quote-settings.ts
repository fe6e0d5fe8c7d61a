import { COLD_START_SECONDS } from "./backends/sagemaker/cold-start.ts";
import { INSTANCE_TYPES } from "./backends/sagemaker/instance-types.ts";
import type { DeploymentConfig } from "./config.ts";

/**
 * Returns what the quotes of a deployment rest on, as functions/api/edge/edge-config.ts parses it: the price of its
 * instances, which is that of the first type and at most that of the dearest, and the start from zero.
 */
export function quoteSettings({ instanceTypes, instancesMax, idleMinutes, pricePerHour }: DeploymentConfig) {
  const prices = instanceTypes.map((type) => INSTANCE_TYPES[type]!.dollarsPerHour);
  const { least, usual, most } = COLD_START_SECONDS;
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
