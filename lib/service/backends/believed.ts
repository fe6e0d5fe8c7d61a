import { isAhead } from "../../shared/ahead.ts";
import type { JobRecord } from "../jobs/index.ts";
import type { Backend } from "./backend.ts";

/**
 * Returns whether a queued job is believed to be in the backend's queue: it was submitted to a queue of this name
 * within the last `believedMs`. A queue that was replaced is gone with its jobs.
 *
 * @param now milliseconds since 1970
 */
export function isBelievedIn(
  { name, believedMs }: Pick<Backend, "name" | "believedMs">,
  { dispatched }: Pick<JobRecord, "dispatched">,
  now: number,
): boolean {
  return dispatched?.to === name && isAhead(dispatched.at + believedMs, now, believedMs);
}
