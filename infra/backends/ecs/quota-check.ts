import type { DeploymentConfig } from "../../config.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";
import { type Quotas, quotaPage, quotasOf, type WantedQuotas } from "../../preflight/service-quotas.ts";
import { type VcpuQuota, vcpuQuotasOf } from "./quotas.ts";

/** Checks the quota of each family of instance types that the deployment may start, in the order of `vcpuQuotasOf`. */
export function vcpuQuotas(config: DeploymentConfig): readonly Promise<Finding>[] {
  const needed = vcpuQuotasOf(config);
  const wanted: WantedQuotas = {
    service: "ec2",
    region: config.region,
    names: needed.map(({ name }) => name),
  };
  const judged = quotasOf(wanted);
  return needed.map((quota) => judged((found) => judge(quota, found, { wanted, config })));
}

interface Asked {
  readonly wanted: WantedQuotas;
  readonly config: DeploymentConfig;
}

function judge({ name, needed }: VcpuQuota, found: Quotas, { wanted, config }: Asked): Finding {
  const { region, instancesMax } = config;
  const quota = found.get(name);
  if (quota?.Value === undefined) return unknown(`Service Quotas has no "${name}" in ${region}.`);
  const had = `The quota in ${region} is ${quota.Value} vCPUs`;
  if (quota.Value >= needed) return ok(`${had}, and ${needed} are needed.`);
  const possible = Math.floor((quota.Value * instancesMax) / needed);
  const meanwhile =
    possible > 0
      ? `say -c instancesMax=${possible}, or`
      : "try the demo model without a GPU meanwhile with -c instanceTypes=m5.xlarge, and";
  return wrong(
    `${had}, and ${instancesMax === 1 ? "an instance needs" : `${instancesMax} instances need`} ${needed}`,
    `${meanwhile} request ${needed} at ${quotaPage(wanted, quota)}`,
  );
}
