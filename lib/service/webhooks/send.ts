import type { Clock } from "../../shared/ports.ts";
import {
  type Delivery,
  type JobRecord,
  type JobRef,
  type JobStore,
  nextLookAt,
  type WebhookEvent,
} from "../jobs/index.ts";
import type { KeyRing } from "../keys/index.ts";
import { type PostOptions, type PostResult, signWebhook } from "../net/index.ts";
import { unlessDamaged } from "../storage/index.ts";
import {
  type DueDelivery,
  dueReceivers,
  planDeliveries,
  REQUEST_TARGET,
  replaceDelivery,
  settledAs,
  takeDue,
  withAttempt,
} from "./deliveries.ts";
import { type Endpoints, requestSecret } from "./endpoints.ts";

/** Sends a body to a URL that a user chose; implemented by `postGuarded` of lib/service/net. */
export type Post = (url: string, options: Pick<PostOptions, "headers" | "body">) => Promise<PostResult>;

export interface SenderOptions {
  readonly jobs: JobStore;
  readonly endpoints: Endpoints;
  readonly ring: KeyRing;
  readonly post: Post;
  readonly clock: Clock;
  /** Random number from 0 to 1. */
  readonly spread: () => number;
  readonly onAttempt?: (result: PostResult) => void;
}

/** Plan of what is to be sent for a job. */
export interface DeliveryPlan {
  /** Receivers that deliveries are due for. */
  readonly receivers: readonly string[];
  /** Time of the next look for deliveries that are not due now; null if there are none. */
  readonly nextAt: number | null;
}

/**
 * Plans the deliveries of a job's new events. Returns the receivers for which deliveries are due, to each of which
 * {@link deliverWebhooks} sends them. If nothing is new, it only reads the record.
 */
export async function planWebhooks(
  { jobs, endpoints, clock }: Pick<SenderOptions, "jobs" | "endpoints" | "clock">,
  ref: JobRef,
): Promise<DeliveryPlan> {
  let record = await jobs.read(ref);
  if (record?.events.some(({ deliveries }) => deliveries === null)) {
    const enabled = (await endpoints.list(ref.tenant)).filter(({ disabledAt }) => disabledAt === null);
    const now = clock.now();
    const planned = await jobs.updateEvents(ref, (newest) => ({
      events: planDeliveries(newest, enabled, now),
    }));
    record = planned?.record ?? null;
  }
  if (!record) return { receivers: [], nextAt: null };
  const now = clock.now();
  return { receivers: dueReceivers(record.events, now), nextAt: nextLookAt(record, now) };
}

export interface DeliveryRun {
  /** Time of the next look at the job; null if nothing is left to do. */
  readonly nextAt: number | null;
  /** True if this call sent something. Only one of several concurrent senders sends. */
  readonly hasSent: boolean;
}

/**
 * Sends webhooks of one job that are due for one receiver, and records the results. Delivery is at least once, with the
 * same id and bytes each time. Only one of two concurrent senders sends; a sender that dies delays the delivery by
 * a minute.
 */
export async function deliverWebhooks(
  options: SenderOptions,
  ref: JobRef,
  receiver: string,
): Promise<DeliveryRun> {
  const { jobs, clock } = options;
  const { record: found, taken } = await take(options, ref, receiver);
  if (!found) return { nextAt: null, hasSent: false };
  const record = outcomeRecorder(options, ref);
  const attempts = taken.map((delivery) => attempt(options, ref, delivery, record));
  // If one fails, the others are not left running: a function would be suspended in the middle of them.
  await Promise.allSettled(attempts);
  const sent = await Promise.all(attempts);
  const newest = (taken.length > 0 ? await jobs.read(ref) : found) ?? found;
  const now = clock.now();
  const isLeft = dueReceivers(newest.events, now).includes(receiver);
  return { nextAt: isLeft ? now : nextLookAt(newest, now), hasSent: sent.includes(true) };
}

interface Take {
  readonly record: JobRecord | null;
  /** Deliveries leased to this sender. */
  readonly taken: readonly DueDelivery[];
}

/** Leases deliveries to a receiver that are due, in one write. */
async function take({ jobs, clock }: SenderOptions, ref: JobRef, receiver: string): Promise<Take> {
  const found = await jobs.read(ref);
  const now = clock.now();
  if (!found || takeDue(found.events, receiver, now).taken.length === 0) return { record: found, taken: [] };
  const updated = await jobs.updateEvents(ref, (newest) => {
    const { events, taken } = takeDue(newest.events, receiver, now);
    return { events, tell: taken };
  });
  return { record: updated?.record ?? null, taken: updated?.told ?? [] };
}

/** Outcome of an attempt: the delivery as it was taken, and the change that the outcome makes. */
interface Outcome extends DueDelivery {
  readonly change: (delivery: Delivery) => Delivery;
}

/**
 * Returns a function that records outcomes of a job's deliveries, with at most one write under way: outcomes that
 * arrive during a write go together into the next one. So a fast answer does not wait for a slow one.
 */
function outcomeRecorder({ jobs }: SenderOptions, ref: JobRef): (outcome: Outcome) => Promise<void> {
  let waiting: Outcome[] = [];
  let writing: Promise<void> | null = null;
  const write = async () => {
    // Outcomes that arrive in the same moment share the first write too.
    await Promise.resolve();
    while (waiting.length > 0) {
      const outcomes = waiting;
      waiting = [];
      await jobs.updateEvents(ref, ({ events }) => ({ events: outcomes.reduce(withOutcome, events) }));
    }
  };
  return (outcome) => {
    waiting.push(outcome);
    writing ??= write().finally(() => {
      writing = null;
    });
    return writing;
  };
}

function withOutcome(events: JobRecord["events"], { event, delivery, change }: Outcome): JobRecord["events"] {
  return replaceDelivery(events, { eventId: event.id, target: delivery.target }, (current) =>
    // Otherwise the delivery was restarted, or the lease expired and another sender took it.
    current.takenUntil === delivery.takenUntil ? change(current) : current,
  );
}

/**
 * Attempts one delivery and records the result. Resolves to false if nothing was sent because the endpoint is
 * gone.
 */
async function attempt(
  options: SenderOptions,
  ref: JobRef,
  { event, delivery }: DueDelivery,
  record: (outcome: Outcome) => Promise<void>,
): Promise<boolean> {
  const address = await addressOf(options, ref.tenant, delivery);
  if (!address) {
    await record({ event, delivery, change: (current) => settledAs(current, "disabled") });
    return false;
  }
  const result = await send(options, event, address);
  options.onAttempt?.(result);
  const now = options.clock.now();
  const spread = options.spread();
  await record({
    event,
    delivery,
    change: (current) => withAttempt({ ...current, url: address.url }, result, now, spread),
  });
  const isGone = result.ok && result.status === 410;
  if (isGone && delivery.target !== REQUEST_TARGET)
    await options.endpoints.disable(ref.tenant, delivery.target);
  return true;
}

/** Address of a target, and the secrets that sign for it. */
export interface Address {
  readonly url: string;
  readonly secrets: readonly string[];
}

/**
 * Looks up the current URL and secrets of a target. Resolves to null if the endpoint was deleted, disabled or damaged
 * since the delivery was planned.
 */
async function addressOf(
  { endpoints, ring }: SenderOptions,
  tenant: string,
  { target, url }: Delivery,
): Promise<Address | null> {
  if (target === REQUEST_TARGET) return { url, secrets: [requestSecret(ring, tenant)] };
  const endpoint = await endpoints.read(tenant, target).catch(unlessDamaged);
  if (!endpoint || endpoint === "damaged" || endpoint.disabledAt !== null) return null;
  return { url: endpoint.url, secrets: endpoints.secrets(endpoint) };
}

function send(
  { post, clock }: SenderOptions,
  { id, body }: WebhookEvent,
  address: Address,
): Promise<PostResult> {
  return postSigned(post, address, { id, body: body!, now: clock.now() });
}

/** Sends an event to an address, signed with all its secrets. `now` is in milliseconds since 1970. */
export function postSigned(
  post: Post,
  { url, secrets }: Address,
  { id, body, now }: { readonly id: string; readonly body: string; readonly now: number },
): Promise<PostResult> {
  const timestampSeconds = Math.floor(now / 1000);
  return post(url, {
    headers: {
      "content-type": "application/json",
      "user-agent": "Adareel-Webhooks/1",
      ...signWebhook({ id, timestampSeconds, body, secrets }),
    },
    body,
  });
}
