import type { DeploymentConfig } from "../../config.ts";
import { image } from "../../image/image-check.ts";
import type { BackendChecks } from "../../preflight/backend-checks.ts";
import { type Finding, unknown } from "../../preflight/finding.ts";
import { vcpuQuotas } from "./quota-check.ts";
import { vcpuQuotasOf } from "./quotas.ts";

/** Checks the quotas of processors, the image, and what no API tells of the instances. */
export const ecsChecks: BackendChecks = {
  subjects: (config) => vcpuQuotasOf(config).map(({ family }) => family),
  inAccount: vcpuQuotas,
  onMachine: (config, env) => [
    ["image", image(config, env)],
    ["Managed Instances", managedInstances(config)],
  ],
};

/** Reports on the instances. No API tells which regions have which types as Managed Instances; the service does. */
function managedInstances({ region, instanceTypes, spot }: DeploymentConfig): Finding {
  const role = spot
    ? ' An account that has never had Spot instances needs "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com" first.'
    : "";
  return unknown(
    `It cannot be checked whether ${region} has ${instanceTypes.join(" and ")} as Managed Instances; if no task ` +
      `starts, the events of the service in the ECS console say why.${role}`,
  );
}
