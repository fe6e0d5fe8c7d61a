import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import type { DeploymentConfig } from "../../config.ts";
import { asked, CLIENT_LIMITS } from "../../preflight/aws.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";
import { typesOf } from "../instance-types.ts";
import { quotasOf, type VcpuQuota } from "./quotas.ts";

/** Checks the quota of each family of instance types that the deployment may start, in the order of `quotasOf`. */
export function vcpuQuotas(config: DeploymentConfig): readonly Promise<Finding>[] {
  const client = new ServiceQuotasClient({ region: config.region, ...CLIENT_LIMITS });
  return quotasOf(config).map((quota) =>
    asked("servicequotas:GetServiceQuota", async (request) => {
      const command = new GetServiceQuotaCommand({ ServiceCode: "ec2", QuotaCode: quota.code });
      const { Quota } = await client.send(command, request);
      return judge(quota, Quota?.Value, config);
    }),
  );
}

function judge(
  { family, code, needed }: VcpuQuota,
  value: number | undefined,
  config: DeploymentConfig,
): Finding {
  const { region, instancesMax } = config;
  if (value === undefined) return unknown(`Service Quotas has no value for ${family} in ${region}.`);
  const page = `https://${region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/${code}`;
  const had = `The quota of ${family} in ${region} is ${value} vCPUs`;
  if (value >= needed) return ok(`${had}, and ${needed} are needed.`);
  const largest = Math.max(...typesOf(config).map(({ vcpus }) => vcpus));
  const possible = Math.floor(value / largest);
  const meanwhile = possible > 0 ? `say -c instancesMax=${possible}, or ` : "";
  return wrong(
    `${had}, and ${instancesMax} instances need ${needed}`,
    `${meanwhile}request ${needed} at ${page}`,
  );
}
