import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { Logger } from "pino";
import { reasonOf } from "../../shared/reason-of.ts";
import { type Hinted, handleBatch, hintedJobs } from "../queue/index.ts";
import { unlessDamaged } from "../storage/index.ts";

/** Lambda handler of the messages of a queue. */
export type QueueHandler = (event: SQSEvent) => Promise<SQSBatchResponse>;

/** Returns a handler that calls `handle` for each message. SQS delivers a message again if its handling rejects. */
export function messageHandler(log: Logger, handle: (body: string) => Promise<void>): QueueHandler {
  return (event) =>
    handleBatch(event, handle, (error, messageId) =>
      log.error({ messageId, reason: reasonOf(error) }, "a message failed and will be delivered again"),
    );
}

/**
 * Returns a handler that calls `look` for each job that the messages name, and logs the outcome it returns. A damaged
 * record is an outcome too: no repetition of the message would mend it.
 */
export function jobHandler(log: Logger, look: (hinted: Hinted) => Promise<string>): QueueHandler {
  return messageHandler(log, async (body) => {
    for (const hinted of hintedJobs(body)) {
      const outcome = await look(hinted).catch(unlessDamaged);
      log.info({ id: hinted.id, tenant: hinted.tenant, outcome }, "job");
    }
  });
}
