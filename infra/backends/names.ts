/** Names of the GPU backends, the default first. */
export const BACKEND_NAMES = ["sagemaker", "ecs"] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];
