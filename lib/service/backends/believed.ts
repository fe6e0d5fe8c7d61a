import type { JobRecord } from "../jobs/index.ts";
import type { Backend } from "./backend.ts";

/**
 * Returns whether a queued job is believed to wait in the backend's queue. A job that was put into a queue of another
 * name is not: a queue that was replaced took its jobs along.
 *
 * @param now milliseconds since 1970
 */
export function isBelievedIn(
  { name, believedMs }: Pick<Backend, "name" | "believedMs">,
  { dispatched }: Pick<JobRecord, "dispatched">,
  now: number,
): boolean {
  return dispatched?.to === name && now < dispatched.at + believedMs;
}
