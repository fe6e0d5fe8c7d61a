import { lookup } from "node:dns/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock, Timers } from "../../shared/ports.ts";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import { checkWebhookUrl, hostOf, isLoopbackHost } from "./webhook-url.ts";

/** Resolves a name to all its addresses; rejects if it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

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

/**
 * Reason for which there is no complete answer. `connect`: the connection was refused, the host is unreachable, or
 * connecting took more than 5 seconds. `reset`: the connection broke, or the server did not speak HTTP.
 */
export type PostFailure = "invalid_url" | "blocked_address" | "dns" | "connect" | "tls" | "timeout" | "reset";

type Outcome =
  | { readonly ok: true; readonly status: number; readonly retryAfterSeconds: number | null }
  | { readonly ok: false; readonly reason: PostFailure };

export type PostResult = Outcome & { readonly milliseconds: number };

const TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5000;
/** Limit of the bytes that are read of an answer. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Posts to a URL that a user chose, and never to an address that is not public. A name is resolved once and refused if
 * any of its addresses is not public; the connection goes to one of the addresses that were checked. Redirects are not
 * followed: a 3xx is a status like any other. An answer counts if its end, or its first 64 KiB, arrives in time. Its
 * body is discarded.
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
  const { allowLoopback = false, blockedHosts = [], timeoutMs = TIMEOUT_MS } = options;
  const checked = checkWebhookUrl(text, { allowLoopback, blockedHosts });
  if (!checked.ok) return failure(checked.code);
  const url = new URL(checked.url);
  const host = hostOf(url);
  const deadline = options.timers.timeout(timeoutMs);

  // Node does not call `lookup` for an IP literal, so the literal is checked here like a resolved address.
  const addresses = isIP(host) ? [host] : await addressesOf(host, options.resolve ?? resolveName, deadline);
  if (addresses === null) return failure(deadline.aborted ? "timeout" : "dns");
  const mayConnect = isLoopbackHost(host) ? isLoopbackAddress : isPublicAddress;
  if (!addresses.every(mayConnect)) return failure("blocked_address");
  return exchange(url, addresses, options, deadline);
}

/** Makes one request on a new connection. A failure is named after the stage in which it happened. */
async function exchange(
  url: URL,
  addresses: readonly string[],
  { headers, body, clock, timers }: PostOptions,
  deadline: AbortSignal,
): Promise<Outcome> {
  const isTls = url.protocol === "https:";
  const request = (isTls ? httpsRequest : httpRequest)(url, {
    method: "POST",
    headers: { ...headers, "content-length": Buffer.byteLength(body) },
    agent: false,
    lookup: answerWith(addresses),
    rejectUnauthorized: true,
    signal: deadline,
  });
  let stage: PostFailure = "connect";
  const connecting = timers.timeout(CONNECT_TIMEOUT_MS);
  const giveUp = () => request.destroy();
  connecting.addEventListener("abort", giveUp, { once: true });
  request.once("socket", (socket) => {
    socket.once("connect", () => {
      connecting.removeEventListener("abort", giveUp);
      stage = isTls ? "tls" : "reset";
    });
    socket.once("secureConnect", () => {
      stage = "reset";
    });
  });
  try {
    const answer = await answerTo(request, body);
    await discard(answer);
    return {
      ok: true,
      status: answer.statusCode!,
      retryAfterSeconds: retryAfterSeconds(answer.headers["retry-after"], clock.now()),
    };
  } catch {
    return failure(deadline.aborted ? "timeout" : stage);
  } finally {
    connecting.removeEventListener("abort", giveUp);
  }
}

function answerTo(request: ClientRequest, body: string | Uint8Array): Promise<IncomingMessage> {
  return new Promise((answered, failed) => {
    // The error listener stays: an error after the answer is emitted here too, and would be thrown without a listener.
    request.on("response", answered);
    request.on("error", failed);
    request.on("close", () => failed(new Error("The connection was closed without an answer.")));
    request.end(body);
  });
}

async function discard(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes >= MAX_ANSWER_BYTES) return;
  }
}

/** Resolves a name; null if it has no address, or if the deadline passes first. */
async function addressesOf(
  host: string,
  resolve: Resolve,
  deadline: AbortSignal,
): Promise<readonly string[] | null> {
  const late = new Promise<null>((settle) => {
    deadline.addEventListener("abort", () => settle(null), { once: true });
  });
  // Every error of the resolver counts as a name without an address.
  const addresses = await Promise.race([resolve(host).catch(() => null), late]);
  return addresses?.length ? addresses : null;
}

async function resolveName(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** Returns a lookup that gives only these addresses. Node asks for all if it may choose between address families. */
function answerWith(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, found) => {
    if (options.all) found(null, all);
    else found(null, all[0]!.address, all[0]!.family);
  };
}

function failure(reason: PostFailure): Outcome {
  return { ok: false, reason };
}
