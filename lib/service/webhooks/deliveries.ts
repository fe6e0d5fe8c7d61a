import type { Delivery, DeliveryAttempt, EventType, JobRecord, WebhookEvent } from "../jobs/index.ts";
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

/** Plans the deliveries of all events without a plan. Returns the same array if every event has one. */
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

/** Delivery that is due, and its event. */
export interface DueDelivery {
  readonly event: WebhookEvent;
  readonly delivery: Delivery;
}

/** Lease of a sender on a delivery: longer than an attempt takes, and the delay if the sender dies. */
const TAKEN_MS = 60_000;

/**
 * Leases the deliveries that are due: returns the events with those deliveries postponed, and the deliveries
 * taken. The caller whose write of the events succeeds sends them.
 */
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

/** Returns the time of the next delivery, or null if all are settled. */
export function nextDueAt({ events }: JobRecord): number | null {
  const times = events.flatMap(({ deliveries }) => deliveries ?? []).map(({ nextAt }) => nextAt);
  const waiting = times.filter((time) => time !== null);
  return waiting.length > 0 ? Math.min(...waiting) : null;
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
  const settled = (state: Delivery["state"]): Delivery => ({ ...delivery, state, attempts, nextAt: null });
  if (result.ok && result.status >= 200 && result.status < 300) return settled("delivered");
  if (result.ok && result.status === 410) return settled("disabled");
  const wait = WAITS_SECONDS[attempts.length - delivery.scheduleFrom];
  if (wait === undefined) return settled("failed");
  const asked = result.ok ? Math.min(result.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX) : 0;
  const planned = wait * (1 + JITTER * (2 * spread - 1));
  return { ...delivery, attempts, nextAt: now + Math.round(1000 * Math.max(asked, planned)) };
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
    return { ...delivery, state: "pending", attempts, scheduleFrom: attempts.length, nextAt: now };
  });
  return { ...event, deliveries };
}
