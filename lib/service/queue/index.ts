export { handleBatch } from "./batch.ts";
export { jobAt, jobLocation } from "./job-location.ts";
export { hintedJobs, MessageError, parsedJson } from "./messages.ts";
export { DELAY_SECONDS_MAX, type SqsHints, sqsHints } from "./sqs-hints.ts";
