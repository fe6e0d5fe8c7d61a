import type { BackendChecks } from "../../preflight/backend-checks.ts";
import { image, inferenceAmi, instancePools } from "./image-check.ts";
import { endpointQuotas } from "./quota-check.ts";

/** Checks the quotas of the instance types, the image, the AMI that the instances boot, and instance pools. */
export const sageMakerChecks: BackendChecks = {
  subjects: ({ instanceTypes }) => instanceTypes,
  inAccount: endpointQuotas,
  onMachine: (config, env) => [
    ["image", image(config, env)],
    ["AMI", inferenceAmi(config)],
    ...instancePools(config),
  ],
};
