export interface InvocationEnd {
  readonly inputLocation: string;
  readonly endpointName?: string;
  readonly inferenceId?: string;
  /** Location of the answer or the error. */
  readonly location?: string;
  /** Reason of a failed invocation. */
  readonly failureReason?: string;
}

/** Creates SageMaker's notification of the end of an asynchronous invocation, as a queue gets it by raw delivery. */
export function notification({
  inputLocation,
  endpointName = "adareel-1",
  inferenceId = "inference",
  location = "s3://videos/invocations/1.out",
  failureReason,
}: InvocationEnd): string {
  const isFailed = failureReason !== undefined;
  return JSON.stringify({
    awsRegion: "us-east-1",
    eventTime: "2026-11-25T03:00:01.000Z",
    receivedTime: "2026-11-25T03:00:00.000Z",
    invocationStatus: isFailed ? "Failed" : "Completed",
    requestParameters: { contentType: "application/json", endpointName, inputLocation },
    responseParameters: isFailed
      ? { outputLocation: location }
      : { contentType: "application/json", outputLocation: location },
    ...(isFailed && { failureReason }),
    inferenceId,
    eventVersion: "1.0",
    eventSource: "aws:sagemaker",
    eventName: "InferenceResult",
  });
}
