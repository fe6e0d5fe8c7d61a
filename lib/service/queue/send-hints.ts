import { createHash } from "node:crypto";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Random } from "../../shared/ports.ts";
import type { JobRef } from "../jobs/index.ts";
import { hintBody } from "./messages.ts";

/** Sends hints that webhooks of a job are due for a receiver. */
export type SendHints = (ref: JobRef, receiver: string) => Promise<void>;

export interface SendHintsOptions {
  readonly client: Pick<SQSClient, "send">;
  /** URL of a FIFO queue. */
  readonly url: string;
  readonly random: Random;
}

/** Number of groups of a tenant, and so of its senders at once. */
const TENANT_GROUPS = 2;

/**
 * Sends hints through a FIFO queue, which gives the messages of one group to one sender at a time: a receiver that does
 * not answer holds up its group. Each message is new to the queue, because a hint may be repeated on purpose.
 */
export function sqsSendHints({ client, url, random }: SendHintsOptions): SendHints {
  return async ({ tenant, id }, receiver) => {
    const [byte] = createHash("sha256").update(receiver).digest();
    const message = {
      QueueUrl: url,
      MessageBody: hintBody({ tenant, id, receiver }),
      MessageGroupId: `${tenant}.${byte! % TENANT_GROUPS}`,
      MessageDeduplicationId: Buffer.from(random(16)).toString("hex"),
    };
    await client.send(new SendMessageCommand(message));
  };
}
