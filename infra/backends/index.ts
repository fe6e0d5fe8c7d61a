import type { BackendName } from "../config.ts";
import type { MakeBackend } from "./backend.ts";
import { makeSageMaker } from "./sagemaker/make.ts";

/** Backends by the names that a configuration chooses them by. */
export const BACKENDS: Readonly<Record<BackendName, MakeBackend>> = { sagemaker: makeSageMaker };
