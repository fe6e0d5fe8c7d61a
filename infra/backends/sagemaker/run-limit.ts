/** Maximum run time. SageMaker kills an invocation after an hour without a reason, so the container stops earlier. */
export const RUN_MS_MAX = 58 * 60_000;
