import * as z from "zod";
import { KEY_PATTERN } from "../claim.ts";
import type { ProblemCode } from "../problem.ts";

export const WAIT_SECONDS_MAX = 25;

/** Headers of the operations that create a video. */
export const IDEMPOTENCY = {
  "Idempotency-Key": z
    .string()
    .regex(KEY_PATTERN)
    .describe(
      "1 to 255 printable ASCII characters. Requests that carry the same key within 24 hours make one video.",
    ),
};

/** Header of the operations that can wait for a video. */
export const PREFER = {
  Prefer: z
    .string()
    .describe(`\`wait=n\` answers when the video is over, or after n seconds, ${WAIT_SECONDS_MAX} at most.`),
};

/** Codes with which an order of a video can fail, besides those of every request. */
export const ORDER: readonly ProblemCode[] = [
  "idempotency_key_reused",
  "invalid_webhook_url",
  "price_unknown",
  "queue_full",
  "spending_limit_reached",
  "video_expired",
];
