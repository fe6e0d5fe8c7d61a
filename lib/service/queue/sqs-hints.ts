import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { DelayedHints, JobRef } from "../jobs/index.ts";
import { hintBody } from "./messages.ts";

export interface SqsHintsOptions {
  readonly client: Pick<SQSClient, "send">;
  readonly workUrl: string;
  readonly webhooksUrl: string;
}

/** Longest delay of a message in SQS. */
export const DELAY_SECONDS_MAX = 900;

/**
 * Sends hints through two SQS queues. Rejects if a queue refuses a message, so that the caller fails and is run again.
 * Longer delays are shortened to {@link DELAY_SECONDS_MAX}.
 */
export function sqsHints({ client, workUrl, webhooksUrl }: SqsHintsOptions): DelayedHints {
  const sendTo =
    (url: string) =>
    async (ref: JobRef, delaySeconds = 0): Promise<void> => {
      const delay = Math.min(Math.max(0, Math.ceil(delaySeconds)), DELAY_SECONDS_MAX);
      const message = { QueueUrl: url, MessageBody: hintBody(ref), DelaySeconds: delay };
      await client.send(new SendMessageCommand(message));
    };
  return { work: sendTo(workUrl), webhooks: sendTo(webhooksUrl) };
}
