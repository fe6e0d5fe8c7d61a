import type { IncomingMessage } from "node:http";
import { parsedUrl } from "../../shared/parsed-url.ts";
import type { Timers } from "../../shared/ports.ts";
import { type ExchangeFailure, exchangeGuarded, type Resolve, readAnswer } from "./guarded-exchange.ts";
import { checkPictureUrl, hostOf, type UrlRules } from "./user-url.ts";

export interface FetchOptions {
  readonly rules: UrlRules;
  /** Largest body that is read. */
  readonly bytesMax: number;
  /** Time limit from the call to the end of the last answer, redirects included; 10 seconds by default. */
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
  readonly timers: Timers;
}

/** Result of a fetch. `reason` is one sentence for the user, which names the host and nothing else of the URL. */
export type Fetched =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly reason: string };

const TIMEOUT_MS = 10_000;
const REDIRECTS_MAX = 3;

const HEADERS = {
  accept: "image/png, image/jpeg, image/webp, image/gif, image/avif, image/tiff, image/*;q=0.1",
  "accept-encoding": "identity",
  "user-agent": "adareel",
};

const FAILURES: Readonly<Record<ExchangeFailure, string>> = {
  blocked_address: "it does not lead to the public internet",
  dns: "it has no address",
  connect: "it does not take the connection",
  tls: "its certificate is not valid",
  timeout: "it took too long",
  reset: "it broke off its answer",
};

/**
 * Fetches a picture from a URL that a user chose, and never from an address that is not public. Each of at most three
 * redirects is checked and resolved like the first URL. The body is counted while it arrives. No credentials are sent.
 */
export async function fetchGuarded(text: string, options: FetchOptions): Promise<Fetched> {
  const { rules, bytesMax, timeoutMs = TIMEOUT_MS, resolve, timers } = options;
  const deadline = timers.timeout(timeoutMs);
  let next = text;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const checked = checkPictureUrl(next, rules);
    if (!checked.ok)
      return { ok: false, reason: redirects === 0 ? checked.reason : `After a redirect: ${checked.reason}` };
    const url = new URL(checked.url);
    const unfetched = (why: string): Fetched => ({
      ok: false,
      reason: `The picture cannot be fetched from ${hostOf(url)}: ${why}.`,
    });
    const read = (answer: IncomingMessage) => readPicture(answer, url, bytesMax);
    const exchanged = await exchangeGuarded(url, {
      method: "GET",
      headers: HEADERS,
      deadline,
      read,
      resolve,
      timers,
    });
    if (!exchanged.ok) return unfetched(FAILURES[exchanged.reason]);
    const { value } = exchanged;
    if ("why" in value) return unfetched(value.why);
    if ("body" in value) return { ok: true, body: value.body };
    next = value.redirect;
  }
  return { ok: false, reason: `The URL of the picture redirects more than ${REDIRECTS_MAX} times.` };
}

type Answer = { readonly body: Uint8Array } | { readonly redirect: string } | { readonly why: string };

const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308];

async function readPicture(answer: IncomingMessage, url: URL, bytesMax: number): Promise<Answer> {
  const { statusCode: status, headers } = answer;
  if (REDIRECTS.includes(status) && headers.location !== undefined) {
    const target = parsedUrl(headers.location, url);
    if (!target) return { why: "it redirects to no URL" };
    // A fragment is the browser's own, and never sent.
    target.hash = "";
    return { redirect: target.href };
  }
  if (status !== 200) return { why: `it answered with the status ${status}` };
  const tooLarge = { why: `its answer has more than ${bytesMax} bytes` };
  if (Number(headers["content-length"] ?? 0) > bytesMax) return tooLarge;
  const { body, isWhole } = await readAnswer(answer, bytesMax);
  return isWhole ? { body } : tooLarge;
}
