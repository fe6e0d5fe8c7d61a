import { lookup } from "node:dns/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock, Timers } from "../../shared/ports.ts";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";
import { retryAfterSeconds } from "./retry-after.ts";
import { checkWebhookUrl, hostOf, isLoopbackHost } from "./webhook-url.ts";

/** All addresses of a name; rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** From the call to the end of the answer, 15 seconds if not given. */
  readonly timeoutMs?: number;
  /** As in `UrlRules`. */
  readonly allowLoopback?: boolean;
  readonly blockedHosts?: readonly string[];
  readonly resolve?: Resolve;
  /** Reads the time for a Retry-After header that names a date. */
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Why there is no whole answer: `connect` is refused, unreachable or not in 5 seconds; `reset` is a connection
 * that broke or did not speak HTTP.
 */
export type PostFailure = "invalid_url" | "blocked_address" | "dns" | "connect" | "tls" | "timeout" | "reset";

type Outcome =
  | { readonly ok: true; readonly status: number; readonly retryAfterSeconds: number | null }
  | { readonly ok: false; readonly reason: PostFailure };

export type PostResult = Outcome & { readonly milliseconds: number };

const TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5000;
/** More of an answer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Posts to a URL that a stranger chose, and never to an address that is not public: a name is resolved once,
 * refused if any of its addresses is not public, and the connection goes to an address that was looked at.
 * Redirects are not followed: a 3xx is a status like any other. An answer counts when its end, or its first
 * 64 KiB, came in time; nothing of its body is kept.
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

  // Node asks no `lookup` for a literal: it is looked at here, like what a name resolves to.
  const addresses = isIP(host) ? [host] : await addressesOf(host, options.resolve ?? resolveName, deadline);
  if (addresses === null) return failure(deadline.aborted ? "timeout" : "dns");
  const mayConnect = isLoopbackHost(host) ? isLoopbackAddress : isPublicAddress;
  if (!addresses.every(mayConnect)) return failure("blocked_address");
  return exchange(url, addresses, options, deadline);
}

/** One request on a connection of its own; a failure is named after the stage it came in. */
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
    // Both stay: an error that follows the answer is the answer's too, and must find a listener here.
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

/** Null if the name has no address, or not before the deadline. */
async function addressesOf(
  host: string,
  resolve: Resolve,
  deadline: AbortSignal,
): Promise<readonly string[] | null> {
  const late = new Promise<null>((settle) => {
    deadline.addEventListener("abort", () => settle(null), { once: true });
  });
  // A name that does not resolve is an answer here, whatever words the resolver has for it.
  const addresses = await Promise.race([resolve(host).catch(() => null), late]);
  return addresses?.length ? addresses : null;
}

async function resolveName(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** A lookup that knows nothing else; Node asks for all addresses when it may choose between families. */
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
