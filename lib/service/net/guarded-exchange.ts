import { lookup } from "node:dns/promises";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Timers } from "../../shared/ports.ts";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";
import { hostOf, isLoopbackHost } from "./user-url.ts";

/** Resolves a name to all its addresses; rejects if it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Reason for which there is no complete answer. `connect`: the connection was refused, the host is unreachable, or
 * connecting took more than 5 seconds. `reset`: the connection broke, or the server did not speak HTTP.
 */
export type ExchangeFailure = "blocked_address" | "dns" | "connect" | "tls" | "timeout" | "reset";

/** Value that was read from an answer, or the reason why there is none. */
export type Exchanged<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: ExchangeFailure };

export interface ExchangeOptions<T> {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Aborts at the end of the time for the whole exchange, and for the others that it belongs to. */
  readonly deadline: AbortSignal;
  /** Reads the answer. It may leave the rest of the body, whose connection is closed then. */
  readonly read: (answer: IncomingMessage) => Promise<T>;
  readonly resolve?: Resolve | undefined;
  readonly timers: Timers;
}

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Makes one request to a URL that a user chose and that was checked, and never to an address that is not public. A name
 * is resolved once and refused if any of its addresses is not public; the connection goes to one of the addresses that
 * were checked. Redirects are not followed: a 3xx is a status like any other.
 *
 * @throws TypeError if a header cannot be sent
 */
export async function exchangeGuarded<T>(url: URL, options: ExchangeOptions<T>): Promise<Exchanged<T>> {
  const { deadline, resolve = resolveName } = options;
  const host = hostOf(url);
  // Node does not call `lookup` for an IP literal, so the literal is checked here like a resolved address.
  const addresses = isIP(host) ? [host] : await addressesOf(host, resolve, deadline);
  if (addresses === null) return failure(deadline.aborted ? "timeout" : "dns");
  const mayConnect = isLoopbackHost(host) ? isLoopbackAddress : isPublicAddress;
  if (!addresses.every(mayConnect)) return failure("blocked_address");
  return exchange(url, addresses, options);
}

/** Makes one request on a new connection. A failure is named after the stage in which it happened. */
async function exchange<T>(
  url: URL,
  addresses: readonly string[],
  { method, headers, body, deadline, read, timers }: ExchangeOptions<T>,
): Promise<Exchanged<T>> {
  const isTls = url.protocol === "https:";
  const request = (isTls ? httpsRequest : httpRequest)(url, {
    method,
    headers: { ...headers, ...(body !== undefined && { "content-length": Buffer.byteLength(body) }) },
    agent: false,
    lookup: answerWith(addresses),
    rejectUnauthorized: true,
    signal: deadline,
  });
  let stage: ExchangeFailure = "connect";
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
    const value = await read(answer);
    answer.destroy();
    return { ok: true, value };
  } catch {
    return failure(deadline.aborted ? "timeout" : stage);
  } finally {
    connecting.removeEventListener("abort", giveUp);
  }
}

function answerTo(request: ClientRequest, body: string | Uint8Array | undefined): Promise<IncomingMessage> {
  return new Promise((answered, failed) => {
    // The error listener stays: an error after the answer is emitted here too, and would be thrown without a listener.
    request.on("response", answered);
    request.on("error", failed);
    request.on("close", () => failed(new Error("The connection was closed without an answer.")));
    request.end(body);
  });
}

/**
 * Reads the body of an answer up to `bytesMax`. `isWhole` is false if there is more.
 *
 * @throws Error if the connection breaks before
 */
export async function readAnswer(
  answer: IncomingMessage,
  bytesMax: number,
): Promise<{ readonly body: Buffer; readonly isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) return { body: Buffer.concat(chunks), isWhole: false };
  }
  return { body: Buffer.concat(chunks), isWhole: true };
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

function failure(reason: ExchangeFailure): { readonly ok: false; readonly reason: ExchangeFailure } {
  return { ok: false, reason };
}
