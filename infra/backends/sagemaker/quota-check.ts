import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuota,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import type { DeploymentConfig } from "../../config.ts";
import { asked, CLIENT_LIMITS } from "../../preflight/aws.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";

type Quotas = ReadonlyMap<string, ServiceQuota>;
type Wanted = Pick<DeploymentConfig, "region" | "instanceTypes" | "instancesMax">;

const nameOf = (instanceType: string) => `${instanceType} for endpoint usage`;

/** Checks the endpoint quota of each instance type, in the order of the configuration. */
export function endpointQuotas(wanted: Wanted): readonly Promise<Finding>[] {
  const { region, instanceTypes } = wanted;
  const client = new ServiceQuotasClient({ region, ...CLIENT_LIMITS });
  let listed: Promise<Quotas> | undefined;
  const permissions = "servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas";
  return instanceTypes.map((type) =>
    asked(permissions, async (request) => {
      listed ??= listQuotas(client, instanceTypes.map(nameOf), request);
      return judge(type, await listed, wanted);
    }),
  );
}

/** Returns quotas by name. A quota that was never changed may be listed among the defaults only. */
async function listQuotas(
  client: ServiceQuotasClient,
  names: readonly string[],
  request: { abortSignal: AbortSignal },
): Promise<Quotas> {
  const found = new Map<string, ServiceQuota>();
  for (const paginate of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    const input = { ServiceCode: "sagemaker", MaxResults: 100 };
    for await (const { Quotas = [] } of paginate({ client, stopOnSameToken: true }, input, request)) {
      for (const quota of Quotas)
        if (names.includes(quota.QuotaName!) && !found.has(quota.QuotaName!))
          found.set(quota.QuotaName!, quota);
      if (found.size === names.length) return found;
    }
  }
  return found;
}

function judge(type: string, quotas: Quotas, { region, instanceTypes, instancesMax }: Wanted): Finding {
  const quota = quotas.get(nameOf(type));
  if (quota?.Value === undefined)
    return unknown(`Service Quotas has no "${nameOf(type)}" in ${region}: the type may not exist there.`);
  const { Value: count, QuotaCode } = quota;
  const page = `https://${region}.console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas/${QuotaCode}`;
  if (count >= instancesMax) return ok(`The quota in ${region} is ${count}.`);
  if (count > 0)
    return wrong(
      `The quota in ${region} is ${count}, and instancesMax is ${instancesMax}`,
      `say -c instancesMax=${count}, or request more at ${page}`,
    );
  const others = instanceTypes.filter((other) => (quotas.get(nameOf(other))?.Value ?? 0) > 0);
  const meanwhile =
    others.length > 0
      ? `use others meanwhile with -c instanceTypes=${others.join(",")}`
      : "try the demo model without a GPU meanwhile with -c instanceTypes=ml.m5.xlarge";
  return wrong(`The quota in ${region} is 0`, `${meanwhile}, and request ${instancesMax} at ${page}`);
}
