import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import type { Logger } from "pino";
import { system } from "../../lib/shared/system.ts";
import type { LocalConfig } from "./config.ts";

/** HTTP server that accepts connections. */
export interface Listening {
  /** URL by which this machine reaches it. */
  readonly url: string;
  /**
   * Accepts no more connections. Waits for `work` and a little longer for requests under way, and cuts off those that
   * are left.
   */
  stop(work: Promise<unknown>): Promise<void>;
}

/** Time for which a stop waits for requests under way once the work has ended. */
const CLOSE_MS = 500;

/**
 * Serves an app.
 *
 * @throws Error in one sentence if it cannot listen at this address
 */
export async function listen(
  app: Pick<Hono, "fetch">,
  { host, port }: Pick<LocalConfig, "host" | "port">,
  log: Logger,
): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, { host, port });
  }
  server.on("error", (error) => log.error({ reason: error.message }, "a connection was not accepted"));
  return {
    url: localUrl(host, (server.address() as AddressInfo).port),
    async stop(work) {
      const closed = once(server.close(), "close");
      await work;
      await Promise.race([closed, system.sleep(CLOSE_MS)]);
      server.closeAllConnections();
    },
  };
}

/** Returns the URL by which this machine reaches a server that listens on `host`. */
function localUrl(host: string, port: number): string {
  const name = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

function listenError(
  cause: NodeJS.ErrnoException,
  { host, port }: Pick<LocalConfig, "host" | "port">,
): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new Error(
        `Port ${port} of ${host} is taken, perhaps by another npm start: stop that, or choose another port, ` +
          `as in: PORT=${port < 65_535 ? port + 1 : 3000} npm start`,
        { cause },
      );
    case "EACCES":
      return new Error(`Port ${port} may not be used: choose one above 1023 with PORT.`, { cause });
    case "EADDRNOTAVAIL":
    case "EAI_AGAIN":
    case "ENOTFOUND":
      return new Error(`HOST ${host} is not an address of this machine: choose another one.`, { cause });
    default:
      return cause;
  }
}
