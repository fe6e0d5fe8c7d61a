import type { DeploymentConfig } from "../config.ts";
import { type Finding, ok, unknown, wrong } from "./finding.ts";
import { quotaPage, quotasOf } from "./service-quotas.ts";

/** Quota of the environment that infra/image/image-build.ts builds in. */
const NAME = "Concurrently running builds for Linux/Medium environment";

/** Checks that CodeBuild may run a build in the region: the quota of a new account can be 0. */
export function buildQuota({ region }: Pick<DeploymentConfig, "region">): Promise<Finding> {
  const wanted = { service: "codebuild", region, names: [NAME] };
  return quotasOf(wanted)((quotas) => {
    const quota = quotas.get(NAME);
    if (quota?.Value === undefined)
      return unknown(`Service Quotas has no "${NAME}" in ${region}; if the build fails, use Docker here.`);
    if (quota.Value >= 1) return ok(`The quota of builds in ${region} is ${quota.Value}.`);
    return wrong(
      `The quota of builds in ${region} is 0`,
      `build with Docker on this machine meanwhile, without -c build, and request 1 at ${quotaPage(wanted, quota)}`,
    );
  });
}
