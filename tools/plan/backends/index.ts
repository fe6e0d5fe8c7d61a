import type { BackendName } from "../../../infra/config.ts";
import type { PlannedBackend } from "./backend.ts";
import { ecs } from "./ecs.ts";
import { sageMaker } from "./sagemaker.ts";

/** Backends by their names in a deployment's configuration. */
export const BACKENDS: Readonly<Record<BackendName, PlannedBackend>> = { sagemaker: sageMaker, ecs };
