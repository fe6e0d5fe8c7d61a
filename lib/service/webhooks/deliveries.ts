import type { Delivery, DeliveryAttempt, EventType, JobRecord, WebhookEvent } from "../jobs/index.ts";
import type { PostResult } from "../net/index.ts";
import { eventBody } from "./event-body.ts";

/** Somebody who wants to be told of some events. */
export interface Target {
  /** A webhook endpoint's id, or {@link REQUEST_TARGET}. */
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly EventType[];
}

/** The target of the address that came with the job's own request. */
export const REQUEST_TARGET = "request";

/** Waits before each attempt, about 75 hours in all: the example schedule of Standard Webhooks. */
const WAITS_SECONDS = [0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/** A receiver that asks for more time than this gets no more than this. */
const RETRY_AFTER_SECONDS_MAX = 24 * 3600;

/** Each wait is up to a fifth shorter or longer, so that receivers are not visited by everyone at once. */
const JITTER = 0.2;

/** Attempts of earlier schedules that are still shown after a redelivery. */
const ATTEMPTS_KEPT = 20;

/** Plans the deliveries of all events nobody has looked at yet; the same events when there are none. */
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
    return { ...event, body, deliveries: wanted.map(({ id, url }) => pending(id, url, now)) };
  });
}

function pending(target: string, url: string, now: number): Delivery {
  return { target, url, state: "pending", attempts: [], scheduleFrom: 0, nextAt: now };
}

/** A planned delivery and the event it tells of. */
export interface DueDelivery {
  readonly event: WebhookEvent;
  readonly delivery: Delivery;
}

/** How long a delivery is its sender's: longer than an attempt takes, and all that a sender's death costs. */
const TAKEN_MS = 60_000;

/** The events with all that is due put off, and what that is: whoever writes the events is to send it. */
export function takeDue(
  events: JobRecord["events"],
  now: number,
): { readonly events: JobRecord["events"]; readonly taken: readonly DueDelivery[] } {
  const taken: DueDelivery[] = [];
  const later = events.map((event) => {
    const deliveries = event.deliveries?.map((delivery) => {
      if (!isDue(delivery, now)) return delivery;
      const own = { ...delivery, nextAt: now + TAKEN_MS };
      taken.push({ event, delivery: own });
      return own;
    });
    return { ...event, deliveries: deliveries ?? null };
  });
  return { events: taken.length > 0 ? later : events, taken };
}

function isDue({ state, nextAt }: Delivery, now: number): boolean {
  return state === "pending" && nextAt! <= now;
}

/** When the next delivery is due; null when all are settled. */
export function nextDueAt({ events }: JobRecord): number | null {
  const times = events.flatMap(({ deliveries }) => deliveries ?? []).map(({ nextAt }) => nextAt);
  const waiting = times.filter((time) => time !== null);
  return waiting.length > 0 ? Math.min(...waiting) : null;
}

/**
 * A delivery after one more attempt. 2xx settles it, 410 stops it for good, and everything else (a redirect too) is
 * tried again until the schedule ends.
 *
 * @param spread 0 to 1, drawn anew for each attempt
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
  const settled = (state: Delivery["state"]): Delivery => ({ ...delivery, state, attempts, nextAt: null });
  if (result.ok && result.status >= 200 && result.status < 300) return settled("delivered");
  if (result.ok && result.status === 410) return settled("disabled");
  const wait = WAITS_SECONDS[attempts.length - delivery.scheduleFrom];
  if (wait === undefined) return settled("failed");
  const asked = result.ok ? Math.min(result.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX) : 0;
  const planned = wait * (1 + JITTER * (2 * spread - 1));
  return { ...delivery, attempts, nextAt: now + Math.round(1000 * Math.max(asked, planned)) };
}

/** The events with one delivery replaced; the same events when it is no longer there. */
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
 * The deliveries of one event, or of all, from the beginning of their schedule: with the old id and bytes and under the
 * old attempts. An event that nobody was told of looks for targets again.
 *
 * @returns null when there is no such event
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
    return { ...delivery, state: "pending", attempts, scheduleFrom: attempts.length, nextAt: now };
  });
  return { ...event, deliveries };
}
