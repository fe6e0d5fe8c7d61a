import { InvokeEndpointAsyncCommand, type SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import * as z from "zod";
import type { Clock } from "../../shared/ports.ts";
import { MessageError, parsedJson } from "../queue/index.ts";
import type { Backend, BackendKind, Outcome } from "./backend.ts";
import { jobAt, jobLocation } from "./job-location.ts";

export interface SageMakerOptions {
  readonly client: Pick<SageMakerRuntimeClient, "send">;
  readonly endpointName: string;
  /** URL of the store, `s3://bucket`. SageMaker reads the job's record there. */
  readonly storeUrl: string;
  readonly clock: Clock;
}

/** Time limit of an invocation: the longest that SageMaker allows. */
const INVOCATION_SECONDS = 3600;

/** Bounds of the time for which SageMaker keeps an invocation in its queue. */
const TTL_SECONDS_MIN = 60;
const TTL_SECONDS_MAX = 21_600;

const notificationSchema = z.object({
  eventSource: z.literal("aws:sagemaker"),
  eventName: z.literal("InferenceResult"),
  invocationStatus: z.enum(["Completed", "Failed"]),
  requestParameters: z.object({ inputLocation: z.string() }),
  failureReason: z.string().optional(),
});

/**
 * Returns the properties of SageMaker's asynchronous endpoints. They publish the end of every invocation through SNS,
 * which must deliver raw messages.
 *
 * @param storeUrl URL of the store of the jobs, `s3://bucket`
 * @see Amazon SageMaker developer guide, "Check prediction results"
 */
export function sageMakerKind(storeUrl: string): BackendKind {
  return {
    // The queue of an endpoint cannot be inspected, and the endpoint may have lost the job.
    believedMs: 30 * 60_000,
    pauseMs: 60_000,
    outcomeOf(message): Outcome {
      const parsed = notificationSchema.safeParse(parsedJson(message));
      if (!parsed.success) throw new MessageError("The message is not a notification of SageMaker.");
      const { invocationStatus, requestParameters, failureReason = "no reason given" } = parsed.data;
      const ref = jobAt(storeUrl, requestParameters.inputLocation);
      if (!ref) throw new MessageError("The notification names no job in this store.");
      return { ref, failure: invocationStatus === "Failed" ? failureReason : null };
    },
  };
}

/** Opens the backend of an asynchronous endpoint of SageMaker. Its name is that of the endpoint. */
export function sageMakerBackend({ client, endpointName, storeUrl, clock }: SageMakerOptions): Backend {
  return {
    ...sageMakerKind(storeUrl),
    name: endpointName,
    async submit(record) {
      const leftSeconds = Math.ceil((record.deadlineAt - clock.now()) / 1000);
      await client.send(
        new InvokeEndpointAsyncCommand({
          EndpointName: endpointName,
          InputLocation: jobLocation(storeUrl, record),
          ContentType: "application/json",
          InferenceId: `${record.id}.${record.attempt + 1}`,
          InvocationTimeoutSeconds: INVOCATION_SECONDS,
          RequestTTLSeconds: Math.min(Math.max(leftSeconds, TTL_SECONDS_MIN), TTL_SECONDS_MAX),
        }),
      );
    },
    waiting: async () => null,
  };
}
