import type { DeploymentConfig } from "../../config.ts";
import type { EarlierDeployment, EarlierJobs } from "../../preflight/backend-checks.ts";
import { type Finding, ok, unknown, wrong } from "../../preflight/finding.ts";
import { type Quotas, quotaPage, quotasOf, type WantedQuotas } from "../../preflight/service-quotas.ts";

type Wanted = Pick<DeploymentConfig, "region" | "instanceTypes" | "instancesMax" | "idleMinutes">;

const nameOf = (instanceType: string) => `${instanceType} for endpoint usage`;

/** Checks the endpoint quota of each instance type, in the order of the configuration. */
export function endpointQuotas(wanted: Wanted, earlier: EarlierDeployment): readonly Promise<Finding>[] {
  const { region, instanceTypes } = wanted;
  const quotas: WantedQuotas = { service: "sagemaker", region, names: instanceTypes.map(nameOf) };
  const judged = quotasOf(quotas);
  return instanceTypes.map(async (type) => {
    const jobs = await earlier.jobs;
    return judged((found) => judge(type, found, { ...wanted, quotas, jobs }));
  });
}

interface Asked extends Wanted {
  readonly quotas: WantedQuotas;
  readonly jobs: EarlierJobs;
}

function judge(
  type: string,
  found: Quotas,
  { region, instanceTypes, instancesMax, idleMinutes, ...asked }: Asked,
): Finding {
  const quota = found.get(nameOf(type));
  if (quota?.Value === undefined)
    return unknown(
      `Service Quotas has no "${nameOf(type)}" in ${region}: the type may not exist there; if so, name others with ` +
        "-c instanceTypes=.",
    );
  const { Value: count } = quota;
  const page = quotaPage(asked.quotas, quota);
  if (count === instancesMax && asked.jobs === "ended")
    return ok(
      `The quota in ${region} is ${count}; no job waits or runs, so the old endpoint has no instance ${idleMinutes} ` +
        "minutes after the last one.",
    );
  if (count === instancesMax && asked.jobs === "unfinished")
    return unknown(
      `The quota in ${region} is ${count}: enough for this deployment, but one that replaces the endpoint needs ` +
        `${instancesMax + 1} while all instances of the old one run; deploy when there is no job, or request more at ${page}`,
    );
  if (count >= instancesMax) return ok(`The quota in ${region} is ${count}.`);
  if (count > 0)
    return wrong(
      `The quota in ${region} is ${count}, and instancesMax is ${instancesMax}`,
      `say -c instancesMax=${count}, or request more at ${page}`,
    );
  const others = instanceTypes.filter((other) => (found.get(nameOf(other))?.Value ?? 0) > 0);
  const meanwhile =
    others.length > 0
      ? `use others meanwhile with -c instanceTypes=${others.join(",")}`
      : "try the demo model without a GPU meanwhile with -c instanceTypes=ml.m5.xlarge";
  return wrong(`The quota in ${region} is 0`, `${meanwhile}, and request ${instancesMax} at ${page}`);
}
