import type { RequestLimits } from "./env.ts";

/** Limits of one request in every deployment. */
export const REQUEST_LIMITS: Omit<RequestLimits, "unfinishedMax"> = {
  bodyBytesMax: 64 * 1024,
  promptCharactersMax: 2000,
  /** Slightly more than 51 frames of 1280x720 in 100 steps. */
  pixelStepsMax: 5e9,
};
