import type { JobRecord } from "./record.ts";

/**
 * How long a job is believed to wait in the queue it was put into. Nobody can look into that queue, which may have lost
 * the job; a job that is put there twice does no harm, since only one worker can claim it.
 */
export const DISPATCH_BELIEVED_MS = 30 * 60_000;

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
  return dispatched?.to === to && now < dispatched.at + DISPATCH_BELIEVED_MS;
}
