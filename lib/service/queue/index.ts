export { handleBatch } from "./batch.ts";
export { type Hinted, hintBody, hintedJobs, MessageError, parsedJson } from "./messages.ts";
export { type SendHints, type SendHintsOptions, sqsSendHints } from "./send-hints.ts";
export { DELAY_SECONDS_MAX, sqsHints } from "./sqs-hints.ts";
