import type { Clock, Timers } from "../../shared/ports.ts";
import { type ExchangeFailure, exchangeGuarded, type Resolve, readAnswer } from "./guarded-exchange.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import { checkWebhookUrl } from "./user-url.ts";

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** Time limit from the call to the end of the answer; 15 seconds by default. */
  readonly timeoutMs?: number;
  /** See `UrlRules`; false by default. */
  readonly allowLoopback?: boolean;
  readonly blockedHosts?: readonly string[];
  readonly resolve?: Resolve;
  /** Clock to which a date in a Retry-After header is compared. */
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Reason for which there is no complete answer; `invalid_url`: the URL is none that webhooks are sent to. */
export type PostFailure = "invalid_url" | ExchangeFailure;

type Outcome =
  | { readonly ok: true; readonly status: number; readonly retryAfterSeconds: number | null }
  | { readonly ok: false; readonly reason: PostFailure };

export type PostResult = Outcome & { readonly milliseconds: number };

const TIMEOUT_MS = 15_000;
/** Limit of the bytes that are read of an answer. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Posts to a URL that a user chose, and never to an address that is not public. Redirects are not followed. An answer
 * counts if its end, or its first 64 KiB, arrives in time. Its body is discarded.
 *
 * @throws TypeError if a header cannot be sent
 */
export async function postGuarded(url: string, options: PostOptions): Promise<PostResult> {
  const { timers } = options;
  const started = timers.elapsed();
  const outcome = await post(url, options);
  return { ...outcome, milliseconds: Math.round(timers.elapsed() - started) };
}

async function post(text: string, options: PostOptions): Promise<Outcome> {
  const { headers, body, clock, timers, resolve } = options;
  const { allowLoopback = false, blockedHosts = [], timeoutMs = TIMEOUT_MS } = options;
  const checked = checkWebhookUrl(text, { allowLoopback, blockedHosts });
  if (!checked.ok) return { ok: false, reason: checked.code };
  const exchanged = await exchangeGuarded(new URL(checked.url), {
    method: "POST",
    headers,
    body,
    deadline: timers.timeout(timeoutMs),
    resolve,
    timers,
    async read(answer) {
      await readAnswer(answer, MAX_ANSWER_BYTES - 1);
      const { statusCode: status, headers: told } = answer;
      return { status: status!, retryAfterSeconds: retryAfterSeconds(told["retry-after"], clock.now()) };
    },
  });
  return exchanged.ok ? { ok: true, ...exchanged.value } : exchanged;
}
