import type { DeploymentConfig } from "../../config.ts";
import { image } from "../../image/image-check.ts";
import type { BackendChecks, Check } from "../../preflight/backend-checks.ts";
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
    ...existingNetwork(config),
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

/** Reports on a network that another hand has made. Only the tasks show whether it has a way out. */
function existingNetwork({ network, region }: DeploymentConfig): Check[] {
  if (network === null) return [];
  const finding = unknown(
    `It is not checked whether ${network.subnetIds.join(" and ")} are in ${network.vpcId} in ${region}, and reach S3, ` +
      "SQS, ECR, ECS and CloudWatch Logs by HTTPS; if no task starts, the events of the service in the ECS console say why.",
  );
  return [["network", finding]];
}
