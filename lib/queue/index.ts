export { handleBatch } from "./batch.ts";
export { hintedJobs } from "./messages.ts";
export { DELAY_SECONDS_MAX, type SqsHints, sqsHints } from "./sqs-hints.ts";
