import {
  type Delivery,
  type DeliveryAttempt,
  type EventType,
  isDue,
  type JobRecord,
  TAKEN_MS,
  type WebhookEvent,
} from "../jobs/index.ts";
import type { PostResult } from "../net/index.ts";
import { eventBody } from "./event-body.ts";

/** Receiver of webhooks for some types of events. */
export interface Target {
  /** Id of a webhook endpoint, or {@link REQUEST_TARGET}. */
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly EventType[];
}

/** Target id of the webhook URL given in the job's own request. */
export const REQUEST_TARGET = "request";

/** Waits before each attempt, about 75 hours in total: the example schedule of Standard Webhooks. */
export const WAITS_SECONDS = [
  0,
  5,
  5 * 60,
  30 * 60,
  2 * 3600,
  5 * 3600,
  10 * 3600,
  14 * 3600,
  20 * 3600,
  24 * 3600,
];

/** Upper bound of the wait that a receiver can ask for with Retry-After. */
export const RETRY_AFTER_SECONDS_MAX = 24 * 3600;

/** Fraction by which each wait is randomly shortened or lengthened, so that retries do not arrive all at once. */
export const JITTER = 0.2;

/** Number of attempts of earlier schedules that a redelivery keeps in the log. */
const ATTEMPTS_KEPT = 20;

/**
 * Plans the deliveries of all events without a plan, due at the time of their event. Returns the same array if every
 * event has one.
 */
export function planDeliveries(
  record: JobRecord,
  endpoints: readonly Target[],
  now: number,
): JobRecord["events"] {
  if (record.events.every(({ deliveries }) => deliveries !== null)) return record.events;
  const own = record.webhook;
  const targets = own
    ? [...endpoints, { id: REQUEST_TARGET, url: own.url, eventTypes: own.events }]
    : endpoints;
  return record.events.map((event) => {
    if (event.deliveries !== null) return event;
    const wanted = targets.filter(({ eventTypes }) => eventTypes.includes(event.type));
    const body = event.body ?? (wanted.length > 0 ? eventBody(record, event) : null);
    return {
      ...event,
      body,
      deliveries: wanted.map(({ id, url }) => pending(id, url, Math.min(event.at, now))),
    };
  });
}

function pending(target: string, url: string, nextAt: number): Delivery {
  return { target, url, state: "pending", attempts: [], scheduleFrom: 0, nextAt, takenUntil: null };
}

/** Delivery that is due, and its event. */
export interface DueDelivery {
  readonly event: WebhookEvent;
  readonly delivery: Delivery;
}

/** Returns the receiver of a delivery, which is shared by all URLs of one host and port. */
export function receiverOf({ url }: Pick<Delivery, "url">): string {
  return new URL(url).host;
}

/** Returns the receivers that deliveries are due for, each once. */
export function dueReceivers(events: JobRecord["events"], now: number): string[] {
  const due = events.flatMap(({ deliveries }) => deliveries ?? []).filter((delivery) => isDue(delivery, now));
  return [...new Set(due.map(receiverOf))];
}

/** Number of deliveries that a sender takes at most. The others wait for the next sender. */
export const TAKEN_MAX = 8;

/**
 * Leases deliveries to a receiver that are due, {@link TAKEN_MAX} at most: returns the events with their leases, and
 * the deliveries taken. The caller whose write of the events succeeds sends them.
 */
export function takeDue(
  events: JobRecord["events"],
  receiver: string,
  now: number,
): { readonly events: JobRecord["events"]; readonly taken: readonly DueDelivery[] } {
  const taken: DueDelivery[] = [];
  const later = events.map((event) => {
    const deliveries = event.deliveries?.map((delivery) => {
      const isMeant = taken.length < TAKEN_MAX && isDue(delivery, now) && receiverOf(delivery) === receiver;
      if (!isMeant) return delivery;
      const own = { ...delivery, takenUntil: now + TAKEN_MS };
      taken.push({ event, delivery: own });
      return own;
    });
    return { ...event, deliveries: deliveries ?? null };
  });
  return { events: taken.length > 0 ? later : events, taken };
}

/**
 * Returns the delivery with one more attempt. A 2xx status settles it, 410 disables it, and any other result
 * (also a redirect) is retried until the schedule ends.
 *
 * @param spread 0 to 1, drawn for each attempt
 * @see Standard Webhooks 1.0.0, "Deliverability and reliability"
 */
export function withAttempt(delivery: Delivery, result: PostResult, now: number, spread: number): Delivery {
  const attempt: DeliveryAttempt = {
    at: now,
    status: result.ok ? result.status : null,
    reason: result.ok ? null : result.reason,
    milliseconds: result.milliseconds,
  };
  const attempts = [...delivery.attempts, attempt];
  const settled = (state: Delivery["state"]) => ({ ...settledAs(delivery, state), attempts });
  if (result.ok && result.status >= 200 && result.status < 300) return settled("delivered");
  if (result.ok && result.status === 410) return settled("disabled");
  const wait = WAITS_SECONDS[attempts.length - delivery.scheduleFrom];
  if (wait === undefined) return settled("failed");
  const asked = result.ok ? Math.min(result.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX) : 0;
  const planned = wait * (1 + JITTER * (2 * spread - 1));
  const nextAt = now + Math.round(1000 * Math.max(asked, planned));
  return { ...delivery, attempts, nextAt, takenUntil: null };
}

/** Returns the delivery in a state in which nothing is sent any more. */
export function settledAs(delivery: Delivery, state: Delivery["state"]): Delivery {
  return { ...delivery, state, nextAt: null, takenUntil: null };
}

/** Returns the events with one delivery changed; nothing changes if it no longer exists. */
export function replaceDelivery(
  events: JobRecord["events"],
  { eventId, target }: { readonly eventId: string; readonly target: string },
  change: (delivery: Delivery) => Delivery,
): JobRecord["events"] {
  return events.map((event) => {
    if (event.id !== eventId || !event.deliveries) return event;
    return {
      ...event,
      deliveries: event.deliveries.map((each) => (each.target === target ? change(each) : each)),
    };
  });
}

/**
 * Restarts the schedule of the deliveries of one event, or of all. Ids, bytes and the log of attempts are
 * kept. An event that had no targets is planned again.
 *
 * @returns null if there is no such event
 */
export function redeliver(
  record: JobRecord,
  eventId: string | null,
  now: number,
): JobRecord["events"] | null {
  const isMeant = (event: WebhookEvent) => eventId === null || event.id === eventId;
  if (!record.events.some(isMeant)) return null;
  return record.events.map((event) => (isMeant(event) ? restarted(event, now) : event));
}

function restarted(event: WebhookEvent, now: number): WebhookEvent {
  if (!event.deliveries?.length) return { ...event, deliveries: null };
  const deliveries = event.deliveries.map((delivery): Delivery => {
    const attempts = delivery.attempts.slice(-ATTEMPTS_KEPT);
    const scheduleFrom = attempts.length;
    // A redelivery puts nothing off, so that the marker of what is due already stays the right one.
    const nextAt = Math.min(delivery.nextAt ?? now, now);
    return { ...delivery, state: "pending", attempts, scheduleFrom, nextAt, takenUntil: null };
  });
  return { ...event, deliveries };
}
