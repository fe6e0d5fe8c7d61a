import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { hintBody, MessageError } from "../queue/index.ts";
import type { Backend, BackendKind } from "./backend.ts";

export interface RunsQueueOptions {
  readonly client: Pick<SQSClient, "send">;
  /** URL of a standard SQS queue, from which the workers pull. */
  readonly url: string;
}

/** Messages that can be received, that a worker holds, and that cannot be received yet: together all that there are. */
const COUNTS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

/**
 * Properties of queues whose workers pull: they tell nobody that a run has ended. A worker sends the message again
 * itself if the job that it names is still queued.
 */
export const runsQueueKind: BackendKind = {
  // SQS loses no messages, but sets aside those whose turns fail five times. Every turn takes the job whose turn it
  // is, so a missing message matters only when the queue is empty, for which the sweep looks, or while no other turn
  // ends. An hour is longer than most jobs may live: a job that waits among many is rarely sent again, and a longer
  // queue is dearer.
  believedMs: 3_600_000,
  pauseMs: 0,
  outcomeOf(): never {
    throw new MessageError("Workers that pull from a queue tell nobody that a run has ended.");
  },
};

/** Opens the backend of workers that pull their turns from an SQS queue. Its name is that of the queue. */
export function runsQueueBackend({ client, url }: RunsQueueOptions): Backend {
  return {
    ...runsQueueKind,
    name: new URL(url).pathname.split("/").at(-1)!,
    async submit({ tenant, id }) {
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: hintBody({ tenant, id }) }));
    },
    async waiting() {
      const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] });
      const { Attributes = {} } = await client.send(command);
      return COUNTS.reduce((sum, count) => sum + Number(Attributes[count] ?? 0), 0);
    },
  };
}
