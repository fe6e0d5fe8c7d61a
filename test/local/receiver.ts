import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Value of the header `webhook-id`. */
  readonly id: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly location?: string;
}

/** Receiver of webhooks on this machine. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Resolves to the requests to a path once there are `count`. */
  at(path: string, count: number): Promise<Received[]>;
  close(): Promise<void>;
}

/**
 * Opens a receiver.
 *
 * @param answer  returns the answer to the nth delivery to a path, counted from 0
 */
export async function openReceiver(
  answer: (path: string, nth: number) => Answer = () => ({ status: 204 }),
): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = new Set<() => void>();
  const to = (path: string) => received.filter((each) => each.path === path);
  const server = createServer(async (request, response) => {
    const path = request.url!;
    const { headers } = request;
    const { status, location } = answer(path, to(path).length);
    received.push({ path, headers, id: String(headers["webhook-id"]), body: await text(request) });
    response.writeHead(status, location === undefined ? {} : { location }).end();
    for (const look of arrivals) look();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    at: (path, count) =>
      new Promise((resolve) => {
        const look = () => {
          if (to(path).length < count) return;
          arrivals.delete(look);
          resolve(to(path));
        };
        arrivals.add(look);
        look();
      }),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
