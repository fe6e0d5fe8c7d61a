import type { DeploymentConfig } from "../../config.ts";
import type { Check } from "../../preflight/backend-checks.ts";
import { type Finding, ok, unknown } from "../../preflight/finding.ts";
import { hasGpu } from "../instance-types.ts";
import { INFERENCE_AMIS } from "./inference-amis.ts";

/** Reports on the inference AMI. No API tells whether a type and a region have it; creating an endpoint does. */
export function inferenceAmi(config: DeploymentConfig): Finding {
  const { instanceTypes, inferenceAmi, region } = config;
  if (!hasGpu(config)) return ok("Instance types without a GPU need none.");
  const other = INFERENCE_AMIS.find((name) => name !== inferenceAmi);
  return unknown(
    `It cannot be checked whether ${region} has ${inferenceAmi} for ${instanceTypes.join(" and ")}; if creating the endpoint fails, say -c inferenceAmi=${other}.`,
  );
}

/** Reports on instance pools, which several types need. No API tells which regions have them. */
export function instancePools({ instanceTypes: [first, ...others], region }: DeploymentConfig): Check[] {
  if (others.length === 0) return [];
  const finding = unknown(
    `It cannot be checked whether ${region} has instance pools, which several types need; if creating the endpoint ` +
      `fails, say -c instanceTypes=${first}.`,
  );
  return [["pools", finding]];
}
