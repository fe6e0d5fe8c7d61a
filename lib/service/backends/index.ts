export type { Backend, BackendKind, Outcome } from "./backend.ts";
export { isBelievedIn } from "./believed.ts";
export { jobLocation } from "./job-location.ts";
export { backendVariables, openBackend, openBackendKind } from "./open-backend.ts";
export { type RunsQueueOptions, runsQueueBackend, runsQueueKind } from "./runs-queue.ts";
export { type SageMakerOptions, sageMakerBackend, sageMakerKind } from "./sagemaker.ts";
