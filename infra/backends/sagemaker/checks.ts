import { image } from "../../image/image-check.ts";
import type { BackendChecks } from "../../preflight/backend-checks.ts";
import { inferenceAmi, instancePools } from "./endpoint-checks.ts";
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
