export { handleBatch } from "./batch.ts";
export { hintedJobs, MessageError, parsedJson } from "./messages.ts";
export { DELAY_SECONDS_MAX, sqsHints } from "./sqs-hints.ts";
