import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Hints, JobRef } from "../jobs/index.ts";
import { hintBody } from "./messages.ts";

export interface SqsHintsOptions {
  readonly client: Pick<SQSClient, "send">;
  readonly workUrl: string;
  readonly webhooksUrl: string;
}

/** Hints through two queues; later ones, too. */
export interface SqsHints extends Hints {
  /** @param delaySeconds at most 900 are waited */
  work(ref: JobRef, delaySeconds?: number): Promise<void>;
  /** @param delaySeconds at most 900 are waited */
  webhooks(ref: JobRef, delaySeconds?: number): Promise<void>;
}

/** SQS keeps no message back for longer. */
export const DELAY_SECONDS_MAX = 900;

/** Whatever a queue refuses rejects: whoever sends a hint that must arrive is called again. */
export function sqsHints({ client, workUrl, webhooksUrl }: SqsHintsOptions): SqsHints {
  const sendTo =
    (url: string) =>
    async (ref: JobRef, delaySeconds = 0): Promise<void> => {
      const delay = Math.min(Math.max(0, Math.ceil(delaySeconds)), DELAY_SECONDS_MAX);
      const message = { QueueUrl: url, MessageBody: hintBody(ref), DelaySeconds: delay };
      await client.send(new SendMessageCommand(message));
    };
  return { work: sendTo(workUrl), webhooks: sendTo(webhooksUrl) };
}
