import { isAhead, isFromFuture } from "../../shared/ahead.ts";
import type { Delivery, JobRecord } from "./record.ts";

/* When webhooks of a job are due. */

/** Longest wait between two attempts of a delivery: that of the schedule with its jitter, 28.8 hours, rounded up. */
export const DELIVERY_WAIT_MS_MAX = 29 * 3_600_000;

/** Lease of a sender on a delivery: longer than an attempt takes, and the delay if the sender dies. */
export const TAKEN_MS = 60_000;

type Events = Pick<JobRecord, "events">;

/**
 * Returns whether a delivery is to be attempted now: its time has come, and no sender holds it. A time that was decided
 * in the future was written by a clock that has been set back since, and counts as over.
 */
export function isDue(delivery: Delivery, now: number): boolean {
  const { state, nextAt } = delivery;
  if (state !== "pending" || isTaken(delivery, now)) return false;
  return nextAt! <= now || isFromFuture(decidedAt(delivery), now);
}

/** Returns the time at which the next attempt was decided: that of the last attempt, event or redelivery. */
function decidedAt({ attempts, scheduleFrom, nextAt }: Delivery): number {
  return attempts.length > scheduleFrom ? attempts.at(-1)!.at : nextAt!;
}

function isTaken({ takenUntil }: Delivery, now: number): boolean {
  return takenUntil !== null && isAhead(takenUntil, now, TAKEN_MS);
}

/** Returns whether something is to be done for a job's webhooks now: an event to plan, or a delivery to attempt. */
export function hasDue({ events }: Events, now: number): boolean {
  return events.some(
    ({ deliveries }) => deliveries === null || deliveries.some((delivery) => isDue(delivery, now)),
  );
}

/**
 * Returns the time from which the job's webhooks need somebody, which is in the key of its undelivered marker; null
 * once all are settled. An event without a plan counts from its own time.
 */
export function nextDueAt({ events }: Events): number | null {
  return least(
    events.flatMap(({ at, deliveries }) =>
      deliveries === null ? [at] : deliveries.map(({ nextAt }) => nextAt),
    ),
  );
}

/** Returns the time of the next look for deliveries that are not due now; null if there are none. */
export function nextLookAt({ events }: Events, now: number): number | null {
  const waiting = events
    .flatMap(({ deliveries }) => deliveries ?? [])
    .filter((delivery) => delivery.state === "pending" && !isDue(delivery, now));
  return least(waiting.map((delivery) => (isTaken(delivery, now) ? delivery.takenUntil : delivery.nextAt)));
}

/** Returns whether a job has events that are not planned yet, or deliveries that are pending. */
export function hasUnsettled(record: Events): boolean {
  return nextDueAt(record) !== null;
}

function least(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
}
