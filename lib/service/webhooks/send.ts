import type { Clock } from "../../shared/ports.ts";
import {
  type Delivery,
  hasUnsettled,
  isFinished,
  type JobRecord,
  type JobRef,
  type JobStore,
  type WebhookEvent,
} from "../jobs/index.ts";
import type { KeyRing } from "../keys/index.ts";
import { type PostOptions, type PostResult, signWebhook } from "../net/index.ts";
import {
  type DueDelivery,
  nextDueAt,
  planDeliveries,
  REQUEST_TARGET,
  replaceDelivery,
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

export interface DeliveryRun {
  /** Time of the next delivery; null if nothing is left to do. */
  readonly nextAt: number | null;
  /** True if this call sent something. Only one of several concurrent senders sends. */
  readonly hasSent: boolean;
}

/**
 * Delivers the webhooks of one job that are due, and records the results. Delivery is at least once, with the
 * same id and bytes each time. Only one of two concurrent senders sends; a sender that dies delays the delivery by
 * a minute.
 */
export async function deliverWebhooks(options: SenderOptions, ref: JobRef): Promise<DeliveryRun> {
  const { jobs } = options;
  const { record: found, taken } = await take(options, ref);
  if (!found) {
    await jobs.markDelivered(ref);
    return { nextAt: null, hasSent: false };
  }
  const sent = await Promise.all(taken.map((delivery) => attempt(options, ref, delivery)));
  const record = (taken.length > 0 ? await jobs.read(ref) : found) ?? found;
  if (isFinished(record) && !hasUnsettled(record)) await jobs.markDelivered(record);
  return { nextAt: nextDueAt(record), hasSent: sent.includes(true) };
}

interface Take {
  readonly record: JobRecord | null;
  /** Deliveries leased to this sender until their `nextAt`. */
  readonly taken: readonly DueDelivery[];
}

/** Plans new events and leases all deliveries that are due, in one write. */
async function take({ jobs, endpoints, clock }: SenderOptions, ref: JobRef): Promise<Take> {
  const found = await jobs.read(ref);
  const isPlanned = found?.events.every(({ deliveries }) => deliveries !== null);
  const known = found && !isPlanned ? await endpoints.list(ref.tenant) : null;
  const now = clock.now();
  const taking = (newest: JobRecord) => {
    const enabled = known?.filter(({ disabledAt }) => disabledAt === null);
    // Events added since the read are left to the call that their own hint triggers: endpoints may have changed.
    return takeDue(enabled ? planDeliveries(newest, enabled, now) : newest.events, now);
  };
  if (!found || taking(found).events === found.events) return { record: found, taken: [] };
  const updated = await jobs.updateEvents(ref, (newest) => {
    const { events, taken } = taking(newest);
    return { events, tell: taken };
  });
  return { record: updated?.record ?? null, taken: updated?.told ?? [] };
}

/**
 * Attempts one delivery and records the result. Resolves to false if nothing was sent because the endpoint is
 * gone.
 */
async function attempt(
  options: SenderOptions,
  ref: JobRef,
  { event, delivery }: DueDelivery,
): Promise<boolean> {
  const { jobs, clock } = options;
  const receiver = await receiverOf(options, ref.tenant, delivery);
  const result = receiver && (await send(options, event, receiver));
  if (result) options.onAttempt?.(result);
  const random = options.spread();
  await jobs.updateEvents(ref, ({ events }) => ({
    events: replaceDelivery(events, { eventId: event.id, target: delivery.target }, (current) => {
      // The delivery was restarted, or the lease expired and another sender took it.
      if (current.nextAt !== delivery.nextAt) return current;
      if (!result) return { ...current, state: "disabled", nextAt: null };
      return withAttempt({ ...current, url: receiver.url }, result, clock.now(), random);
    }),
  }));
  const isGone = result?.ok && result.status === 410;
  if (isGone && delivery.target !== REQUEST_TARGET)
    await options.endpoints.disable(ref.tenant, delivery.target);
  return result !== null;
}

export interface Receiver {
  readonly url: string;
  readonly secrets: readonly string[];
}

/**
 * Looks up the current URL and secrets of a target. Resolves to null if the endpoint was deleted or disabled
 * since the delivery was planned.
 */
async function receiverOf(
  { endpoints, ring }: SenderOptions,
  tenant: string,
  { target, url }: Delivery,
): Promise<Receiver | null> {
  if (target === REQUEST_TARGET) return { url, secrets: [requestSecret(ring, tenant)] };
  const endpoint = await endpoints.read(tenant, target);
  if (!endpoint || endpoint.disabledAt !== null) return null;
  return { url: endpoint.url, secrets: endpoints.secrets(endpoint) };
}

function send(
  { post, clock }: SenderOptions,
  { id, body }: WebhookEvent,
  receiver: Receiver,
): Promise<PostResult> {
  return postSigned(post, receiver, { id, body: body!, now: clock.now() });
}

/** Sends an event to a receiver, signed with all its secrets. `now` is in milliseconds since 1970. */
export function postSigned(
  post: Post,
  { url, secrets }: Receiver,
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
