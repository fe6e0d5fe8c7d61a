import type { SQSBatchResponse, SQSEvent } from "aws-lambda";

/**
 * Handles all messages of a batch concurrently, and returns those whose handling rejected, which SQS delivers again. So
 * a poison message does not hold up the others.
 *
 * @see AWS Lambda developer guide, "Reporting batch item failures" (the event source needs ReportBatchItemFailures)
 */
export async function handleBatch(
  { Records }: SQSEvent,
  handle: (body: string) => Promise<void>,
  onError: (error: unknown, messageId: string) => void,
): Promise<SQSBatchResponse> {
  const failures = await Promise.all(
    Records.map(async ({ messageId, body }) => {
      try {
        await handle(body);
        return [];
      } catch (error) {
        onError(error, messageId);
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}
