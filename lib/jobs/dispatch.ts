import type { JobRecord } from "./record.ts";

/** How long the queue of an endpoint keeps what no worker takes: the most that SageMaker's allows. */
export const DISPATCH_SECONDS_MAX = 21_600;

/**
 * Whether a queued job waits in the queue of the endpoint `to`. One that was put into another endpoint's is not: an
 * endpoint that was replaced took its queue along.
 *
 * @param now milliseconds since 1970
 */
export function isDispatched(
  { dispatched }: Pick<JobRecord, "dispatched">,
  { to, now }: { readonly to: string; readonly now: number },
): boolean {
  return dispatched?.to === to && now < dispatched.at + DISPATCH_SECONDS_MAX * 1000;
}
