import type { Video } from "../../functions/api/schemas/video.ts";
import { clientOf } from "../../test/local/local-service.ts";
import type { SeededRandom } from "../../test/sim/seeded-random.ts";
import type { ReceiverKind, Receivers } from "./receivers.ts";

/** Tenants, their share of the jobs, and the receivers of their webhooks. */
export const TENANTS = {
  loud: { share: 0.6, kinds: ["silent", "slow", "good"] },
  calm: { share: 0.25, kinds: ["good", "flaky"] },
  quiet: { share: 0.15, kinds: ["good"] },
} as const satisfies Record<string, { share: number; kinds: readonly ReceiverKind[] }>;

export type Tenant = keyof typeof TENANTS;

/** Order that the service has acknowledged. */
export interface Acknowledged {
  /** Idempotency key of the order. */
  readonly name: string;
  readonly tenant: Tenant;
  readonly kind: ReceiverKind;
  readonly request: object;
  readonly id: string;
  /** Wish of the client afterwards, which the service has acknowledged too. */
  readonly wish: "nothing" | "cancelled" | "deleted";
}

export interface Ordering {
  readonly url: () => Promise<string>;
  readonly keys: Readonly<Record<Tenant, string>>;
  readonly receivers: Pick<Receivers, "url">;
  readonly random: SeededRandom;
  readonly sleep: (durationMs: number) => Promise<unknown>;
}

const RETRY_MS = 100;
/** Longest time that a video may have, so that few deadlines pass while the clock is an hour ahead. */
const TIMEOUT_SECONDS = 6 * 3600;
/** Answers after which a client tries again: the service is overloaded, starts, or its disk does not answer. */
const RETRIED = [429, 500, 502, 503, 504];

/** Orders one video as a patient client does, and cancels or deletes some. Resolves once that is acknowledged. */
export async function orderOne(ordering: Ordering, number: number): Promise<Acknowledged> {
  const { keys, receivers, random } = ordering;
  const tenant = tenantOf(random.next());
  const kind = random.pick<ReceiverKind>(TENANTS[tenant].kinds);
  const name = `order-${number}`;
  const steps = random.pick([12, 120, 240]);
  const wish = random.pick(["nothing", "nothing", "nothing", "nothing", "cancelled", "deleted"] as const);
  const request = {
    prompt: `a red circle ${number}`,
    steps,
    cache: "off",
    timeout: TIMEOUT_SECONDS,
    webhook_url: receivers.url(kind),
  };
  const { id } = await post(ordering, { name, tenant, request });
  if (wish === "cancelled") await untilAnswered(ordering, keys[tenant], "POST", `/v1/videos/${id}/cancel`);
  // A deletion whose answer was lost is answered 404 the second time.
  if (wish === "deleted")
    await untilAnswered(ordering, keys[tenant], "DELETE", `/v1/videos/${id}`, undefined, {}, [404]);
  return { name, tenant, kind, request, id, wish };
}

/** Sends an order, with its idempotency key, until it is answered. */
export function post(
  ordering: Ordering,
  { name, tenant, request }: Pick<Acknowledged, "name" | "tenant" | "request">,
): Promise<Video> {
  const headers = { "idempotency-key": name };
  return untilAnswered<Video>(ordering, ordering.keys[tenant], "POST", "/v1/videos", request, headers);
}

function tenantOf(drawn: number): Tenant {
  let at = 0;
  for (const [name, { share }] of Object.entries(TENANTS)) {
    at += share;
    if (drawn < at) return name as Tenant;
  }
  return "quiet";
}

/**
 * Sends a request until it is answered.
 *
 * @throws Error for an answer that a client does not retry
 */
export async function untilAnswered<T>(
  { url, sleep }: Pick<Ordering, "url" | "sleep">,
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  accepted: readonly number[] = [],
): Promise<T> {
  for (;;) {
    try {
      const answer = await clientOf(await url(), key).send(method, path, body, headers);
      const text = await answer.text();
      if (answer.ok || accepted.includes(answer.status)) return JSON.parse(text) as T;
      if (!RETRIED.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    } catch (error) {
      // `fetch` throws a TypeError if a connection is refused or broken, and so does reading a broken answer.
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    }
    await sleep(RETRY_MS);
  }
}
