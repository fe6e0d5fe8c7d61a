import type { RequestLimits } from "./env.ts";

/** What any deployment lets one request ask for. */
export const REQUEST_LIMITS: Omit<RequestLimits, "unfinishedMax"> = {
  bodyBytesMax: 64 * 1024,
  promptCharactersMax: 2000,
  /** 51 frames of 1280x720 in 100 steps, and a little more. */
  pixelStepsMax: 5e9,
};
