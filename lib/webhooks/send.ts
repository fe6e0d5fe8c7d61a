import {
  type Delivery,
  hasUnsettled,
  isFinished,
  type JobRecord,
  type JobRef,
  type JobStore,
  type WebhookEvent,
} from "../jobs/index.ts";
import { type PostOptions, type PostResult, signWebhook } from "../net/index.ts";
import type { Clock } from "../ports.ts";
import type { KeyRing } from "../secrets/index.ts";
import {
  type DueDelivery,
  dueDeliveries,
  nextDueAt,
  planDeliveries,
  REQUEST_TARGET,
  replaceDelivery,
  withAttempt,
} from "./deliveries.ts";
import { type Endpoints, requestSecret } from "./endpoints.ts";

/** Sends a body to a URL that a stranger chose; `postGuarded` of lib/net. */
export type Post = (url: string, options: Pick<PostOptions, "headers" | "body">) => Promise<PostResult>;

export interface SenderOptions {
  readonly jobs: JobStore;
  readonly endpoints: Endpoints;
  readonly ring: KeyRing;
  readonly post: Post;
  readonly clock: Clock;
  /** 0 to 1, at random. */
  readonly spread: () => number;
  readonly onAttempt?: (result: PostResult) => void;
}

/**
 * Delivers whatever is due of one job's webhooks and writes down how it went; at least once, with the same id and the
 * same bytes each time. Two senders at once only send more often.
 *
 * @returns when to come again; null when nothing is left to do
 */
export async function deliverWebhooks(options: SenderOptions, ref: JobRef): Promise<number | null> {
  const { jobs, clock } = options;
  const planned = await plan(options, ref);
  if (!planned) {
    await jobs.markDelivered(ref);
    return null;
  }
  const due = dueDeliveries(planned, clock.now());
  await Promise.all(due.map((delivery) => attempt(options, planned, delivery)));
  const record = (due.length > 0 ? await jobs.read(ref) : planned) ?? planned;
  if (isFinished(record) && !hasUnsettled(record)) await jobs.markDelivered(record);
  return nextDueAt(record);
}

async function plan({ jobs, endpoints, clock }: SenderOptions, ref: JobRef): Promise<JobRecord | null> {
  const record = await jobs.read(ref);
  if (!record || record.events.every(({ deliveries }) => deliveries !== null)) return record;
  const known = (await endpoints.list(ref.tenant)).filter(({ disabledAt }) => disabledAt === null);
  return jobs.updateEvents(ref, (newest) => ({ events: planDeliveries(newest, known, clock.now()) }));
}

async function attempt(options: SenderOptions, ref: JobRef, { event, delivery }: DueDelivery): Promise<void> {
  const { jobs, clock } = options;
  const receiver = await receiverOf(options, ref.tenant, delivery);
  const result = receiver && (await send(options, event, receiver));
  if (result) options.onAttempt?.(result);
  const random = options.spread();
  await jobs.updateEvents(ref, ({ events }) => ({
    events: replaceDelivery(events, { eventId: event.id, target: delivery.target }, (current) => {
      if (current.state !== "pending") return current;
      if (!result) return { ...current, state: "disabled", nextAt: null };
      const next = withAttempt({ ...current, url: receiver.url }, result, clock.now(), random);
      // Two senders who fail at once have used one attempt of the schedule.
      const isRepeated = current.attempts.length !== delivery.attempts.length;
      return isRepeated && (next.state === "pending" || next.state === "failed") ? current : next;
    }),
  }));
  const isGone = result?.ok && result.status === 410;
  if (isGone && delivery.target !== REQUEST_TARGET)
    await options.endpoints.disable(ref.tenant, delivery.target);
}

export interface Receiver {
  readonly url: string;
  readonly secrets: readonly string[];
}

/** Where the target is today; null for an endpoint that was deleted or disabled since the delivery was planned. */
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

/** Sends an event to a receiver, signed with all its secrets; `now` is in milliseconds since 1970. */
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
