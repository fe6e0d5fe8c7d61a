import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { DelayedHints, JobRef } from "../jobs/index.ts";
import { hintBody } from "./messages.ts";

export interface SqsHintsOptions {
  readonly client: Pick<SQSClient, "send">;
  readonly workUrl: string;
  readonly webhooksUrl: string;
}

/** SQS keeps no message back for longer. */
export const DELAY_SECONDS_MAX = 900;

/** Hints through two queues. What a queue refuses rejects, so that whoever must send a hint is called again. */
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
