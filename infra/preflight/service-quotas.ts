import {
  paginateListAWSDefaultServiceQuotas,
  paginateListServiceQuotas,
  type ServiceQuota,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { asked, CLIENT_LIMITS } from "./aws.ts";
import { type Finding, wrong } from "./finding.ts";

export type Quotas = ReadonlyMap<string, ServiceQuota>;

/** Quotas of one service in a region, by their names. */
export interface WantedQuotas {
  /** Code of the service in Service Quotas, such as `sagemaker`. */
  readonly service: string;
  readonly region: string;
  readonly names: readonly string[];
}

/** Returns a function that judges quotas; they are listed once, when the first judge needs them. */
export function quotasOf(wanted: WantedQuotas): (judge: (quotas: Quotas) => Finding) => Promise<Finding> {
  const client = new ServiceQuotasClient({ region: wanted.region, ...CLIENT_LIMITS });
  let listed: Promise<Quotas> | undefined;
  const permissions = "servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas";
  return (judge) =>
    asked(permissions, async (request) => {
      listed ??= listQuotas(client, wanted, request);
      try {
        return judge(await listed);
      } catch (error) {
        if ((error as Error).name !== "NoSuchResourceException") throw error;
        return wrong(
          `Service Quotas knows no ${wanted.service} in ${wanted.region}`,
          "choose another region with -c region=",
        );
      }
    });
}

/** Returns quotas by name. A quota that was never changed may be listed among the defaults only. */
async function listQuotas(
  client: ServiceQuotasClient,
  { service, names }: WantedQuotas,
  request: { abortSignal: AbortSignal },
): Promise<Quotas> {
  const found = new Map<string, ServiceQuota>();
  for (const paginate of [paginateListServiceQuotas, paginateListAWSDefaultServiceQuotas]) {
    const input = { ServiceCode: service, MaxResults: 100 };
    for await (const { Quotas = [] } of paginate({ client, stopOnSameToken: true }, input, request)) {
      for (const quota of Quotas)
        if (names.includes(quota.QuotaName!) && !found.has(quota.QuotaName!))
          found.set(quota.QuotaName!, quota);
      if (found.size === names.length) return found;
    }
  }
  return found;
}

/** Returns the page of the console where more of a quota can be requested. */
export function quotaPage({ service, region }: WantedQuotas, { QuotaCode }: ServiceQuota): string {
  return `https://${region}.console.aws.amazon.com/servicequotas/home/services/${service}/quotas/${QuotaCode}`;
}
