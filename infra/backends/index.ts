import type { BackendName } from "../config.ts";
import type { MakeBackend } from "./backend.ts";
import { makeEcs } from "./ecs/make.ts";
import { makeSageMaker } from "./sagemaker/make.ts";

/** Backends by their names in a configuration. */
export const BACKENDS: Readonly<Record<BackendName, MakeBackend>> = {
  sagemaker: makeSageMaker,
  ecs: makeEcs,
};
