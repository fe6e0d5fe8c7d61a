import type { BackendChecks } from "../../preflight/backend-checks.ts";
import { image, inferenceAmi } from "./image-check.ts";
import { endpointQuotas } from "./quota-check.ts";

/** Checks the quotas of the instance types, the image, and the AMI that the instances boot. */
export const sageMakerChecks: BackendChecks = {
  subjects: ({ instanceTypes }) => instanceTypes,
  inAccount: endpointQuotas,
  onMachine: (config, env) => [
    ["image", image(config, env)],
    ["AMI", inferenceAmi(config)],
  ],
};
