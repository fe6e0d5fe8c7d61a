import { PICTURE_LIMITS } from "../../lib/service/pictures/index.ts";
import type { RequestLimits } from "./env.ts";

const BODY_BYTES_MAX = 64 * 1024;

/** Limits of one request in every deployment. */
export const REQUEST_LIMITS: Omit<RequestLimits, "unfinishedMax"> = {
  bodyBytesMax: BODY_BYTES_MAX,
  /** Two of the largest pictures in base64, as a JSON body has them, and the rest of the request. */
  pictureBodyBytesMax: 2 * Math.ceil((PICTURE_LIMITS.bytesMax * 4) / 3) + BODY_BYTES_MAX,
  promptCharactersMax: 2000,
  /** Slightly more than 51 frames of 1280x720 in 100 steps. */
  pixelStepsMax: 5e9,
  streams: {
    perKeyMax: 20,
    totalMax: 500,
    heartbeatMs: 15_000,
    drainMs: 30_000,
    lifeMs: 3_600_000,
    lookMs: 5_000,
    queueLookMs: 2_000,
  },
};
