import type { BackendChecks } from "../../preflight/backend-checks.ts";
import { image } from "../sagemaker/image-check.ts";
import { vcpuQuotas } from "./quota-check.ts";
import { quotasOf } from "./quotas.ts";

/** Checks the quotas of processors, and the image. */
export const ecsChecks: BackendChecks = {
  subjects: (config) => quotasOf(config).map(({ family }) => `quota of ${family}`),
  inAccount: vcpuQuotas,
  onMachine: (config, env) => [["image", image(config, env)]],
};
