import * as z from "zod";
import { MessageError, parsedJson } from "../../lib/service/queue/index.ts";

const notificationSchema = z.object({
  eventSource: z.literal("aws:sagemaker"),
  eventName: z.literal("InferenceResult"),
  invocationStatus: z.enum(["Completed", "Failed"]),
  requestParameters: z.object({ inputLocation: z.string() }),
  failureReason: z.string().optional(),
});

/** How an invocation ended. */
export interface Notification {
  /** `s3://bucket/key` of what the container was given. */
  readonly inputLocation: string;
  /** Null for one that the container answered with 2xx. */
  readonly failureReason: string | null;
}

/**
 * What SageMaker tells through SNS, delivered raw.
 *
 * @throws MessageError for anything else
 * @see Amazon SageMaker developer guide, "Check prediction results"
 */
export function parseNotification(body: string): Notification {
  const parsed = notificationSchema.safeParse(parsedJson(body));
  if (!parsed.success) throw new MessageError("The message is not what SageMaker says of an invocation.");
  const { invocationStatus, requestParameters, failureReason = "no reason given" } = parsed.data;
  return {
    inputLocation: requestParameters.inputLocation,
    failureReason: invocationStatus === "Failed" ? failureReason : null,
  };
}
