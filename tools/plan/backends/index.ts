import type { BackendName } from "../../../infra/config.ts";
import type { PlannedBackend } from "./backend.ts";
import { sageMaker } from "./sagemaker.ts";

/** Backends by the names that a deployment chooses them by. */
export const BACKENDS: Readonly<Record<BackendName, PlannedBackend>> = { sagemaker: sageMaker };
