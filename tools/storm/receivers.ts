import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** Kinds of receivers. `flaky` answers 500 to the first attempt of each event; `silent` accepts and never answers. */
export const RECEIVER_KINDS = ["good", "slow", "flaky", "silent"] as const;
export type ReceiverKind = (typeof RECEIVER_KINDS)[number];

/** Delivery as it arrived. */
export interface Arrival {
  readonly kind: ReceiverKind;
  readonly webhookId: string;
  readonly videoId: string;
  readonly type: string;
  /** SHA-256 of the body. */
  readonly bodyHash: string;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
  readonly isAnswered: boolean;
}

/** Receivers of webhooks on this machine. Each kind has a host name of its own, so that it is a receiver of its own. */
export interface Receivers {
  readonly arrivals: readonly Arrival[];
  url(kind: ReceiverKind): string;
  /** Resolves to the first answered delivery about a video that has one of these types. */
  arrival(videoId: string, types: readonly string[]): Promise<Arrival>;
  close(): Promise<void>;
}

const SLOW_MS = 2_000;

/** Addresses that reach this machine. All of 127.0.0.0/8 does so on Linux; elsewhere they must be configured. */
const HOSTS: Readonly<Record<ReceiverKind, string>> = {
  good: "127.0.0.1",
  slow: "127.0.0.2",
  flaky: "127.0.0.3",
  silent: "127.0.0.4",
};

export async function openReceivers(): Promise<Receivers> {
  const arrivals: Arrival[] = [];
  const waiting = new Set<(arrival: Arrival) => void>();
  const failedOnce = new Set<string>();
  const servers: Server[] = [];
  const ports = new Map<ReceiverKind, number>();

  for (const kind of RECEIVER_KINDS) {
    const server = createServer(async (request, response) => {
      const body = await text(request).catch(() => null);
      if (body === null) return;
      const webhookId = String(request.headers["webhook-id"]);
      const isFirst = kind === "flaky" && !failedOnce.has(webhookId);
      failedOnce.add(webhookId);
      const event = JSON.parse(body) as { type: string; data: { id: string } };
      const arrival: Arrival = {
        kind,
        webhookId,
        videoId: event.data.id,
        type: event.type,
        bodyHash: createHash("sha256").update(body).digest("hex"),
        at: performance.now(),
        isAnswered: kind !== "silent" && !isFirst,
      };
      arrivals.push(arrival);
      if (kind === "silent") return;
      if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      response.writeHead(isFirst ? 500 : 204).end();
      if (arrival.isAnswered) for (const look of waiting) look(arrival);
    });
    // A silent receiver would otherwise be closed by its own limit.
    server.requestTimeout = 0;
    server.listen(0, HOSTS[kind]);
    await once(server, "listening");
    ports.set(kind, (server.address() as AddressInfo).port);
    servers.push(server);
  }

  return {
    arrivals,
    url: (kind) => `http://${HOSTS[kind]}:${ports.get(kind)}/hook`,
    arrival: (videoId, types) =>
      new Promise((resolve) => {
        const isMeant = (each: Arrival) =>
          each.isAnswered && each.videoId === videoId && types.includes(each.type);
        const known = arrivals.find(isMeant);
        if (known) return resolve(known);
        const look = (each: Arrival) => {
          if (!isMeant(each)) return;
          waiting.delete(look);
          resolve(each);
        };
        waiting.add(look);
      }),
    async close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
