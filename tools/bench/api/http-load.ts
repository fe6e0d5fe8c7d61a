import { once } from "node:events";
import { connect } from "node:net";
import { quantile } from "../statistics.ts";

/**
 * HTTP client that costs less processor time than the measured servers, unlike that of node:http. It keeps a
 * fixed number of connections, each with one request in progress.
 */

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Connection {
  /** Sends a request and resolves to its answer. The next request must wait for it. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
  /** Returns the next request to send. */
  readonly next: () => HttpRequest;
}

/** Result of one round of requests; latencies are in milliseconds. */
export interface LoadRound {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Measures one round of requests.
 *
 * @throws Error if an answer has another status than 200
 */
export async function measureLoad({ port, connections, requests, next }: Load): Promise<LoadRound> {
  const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const milliseconds: number[] = [];
  let left = requests;
  const began = performance.now();
  try {
    await Promise.all(
      opened.map(async (connection) => {
        while (left > 0) {
          left -= 1;
          const request = next();
          const sent = performance.now();
          const { status, body } = await connection.send(request);
          milliseconds.push(performance.now() - sent);
          if (status !== 200) throw new Error(`${request.method} was answered with ${status}: ${body}`);
        }
      }),
    );
  } finally {
    for (const connection of opened) connection.close();
  }
  const perSecond = requests / ((performance.now() - began) / 1000);
  return { perSecond, p50: quantile(milliseconds, 0.5), p99: quantile(milliseconds, 0.99) };
}

/** Sends one request on a new connection. */
export async function sendOnce(port: number, request: HttpRequest): Promise<HttpAnswer> {
  const connection = await openConnection(port);
  try {
    return await connection.send(request);
  } finally {
    connection.close();
  }
}

/** Opens a connection to a local port. */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  // One character per byte, so that lengths agree with those in headers.
  socket.setEncoding("latin1");
  let received = "";
  let waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | null = null;
  socket.on("data", (text: string) => {
    received += text;
    const answer = parseAnswer(received);
    if (!answer) return;
    received = "";
    waiting?.resolve(answer);
  });
  socket.on("error", (error) => waiting?.reject(error));
  socket.on("close", () => waiting?.reject(new Error("The server closed the connection.")));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(wireForm(request));
      }),
    close: () => socket.destroy(),
  };
}

function wireForm({ method, path, headers = {}, json }: HttpRequest): string {
  const body = json === undefined ? "" : JSON.stringify(json);
  const content = json === undefined ? {} : { "content-type": "application/json" };
  const all = {
    host: "127.0.0.1",
    ...headers,
    ...content,
    "content-length": String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** Parses a JSON answer of our own servers; null while it is incomplete. */
export function parseAnswer(received: string): HttpAnswer | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const head = received.slice(0, headEnd);
  const rest = received.slice(headEnd + 4);
  const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? null : { status, body: utf8(rest) };
  if (!/(^|\r\n)0\r\n\r\n$/.test(rest)) return null;
  return { status, body: utf8(withoutChunks(rest)) };
}

function withoutChunks(rest: string): string {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (!size) return body;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
