import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { postGuarded } from "../../lib/service/net/index.ts";
import { system } from "../../lib/shared/system.ts";
import { type TestApi, testApi } from "../api/support.ts";

/** Time between two looks of the worker at what is queued. */
const WORK_STEP_MS = 250;

/** Webhook as it arrived at the receiver. */
export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The API on a port of this machine, with a bucket, a receiver of webhooks and a worker that makes no pictures. */
export interface LoopbackService {
  readonly api: TestApi;
  readonly origin: string;
  /** URL that takes webhooks. */
  readonly receiver: string;
  readonly received: readonly Received[];
  stop(): void;
}

/**
 * Serves the API of `testApi` with the time of this machine, because clients compare times with theirs. Files have
 * another origin, as a bucket has, and are refused to requests that carry a key, as S3 does. A worker completes what is
 * queued, some times a second, unless the test itself is the worker.
 */
export async function startLoopbackService({ hasWorker = true } = {}): Promise<LoopbackService> {
  let port = 0;
  const received: Received[] = [];
  const webhookUrls = { allowLoopback: true, blockedHosts: [] };
  const api = await testApi({
    baseUrl: () => `http://localhost:${port}`,
    webhookUrls,
    post: (url, message) => postGuarded(url, { ...message, ...webhookUrls, ...system }),
  });
  api.clock.advance(system.clock.now() - api.clock.now());

  /** Completes a video that is still queued. */
  async function work(id: string): Promise<void> {
    const record = await api.deps.jobs.read({ tenant: "acme", id });
    if (record?.status === "queued") await api.complete(id);
  }

  const worker = setInterval(() => {
    if (!hasWorker) return;
    // A video that was cancelled or deleted in between cannot be completed.
    for (const id of api.hinted.work.splice(0)) work(id).catch(() => undefined);
  }, WORK_STEP_MS);

  const whole = new Hono()
    .post("/receiver", async (c) => {
      received.push({ headers: c.req.header(), body: await c.req.text() });
      return c.body(null, 204);
    })
    .get("/files/*", async (c) => {
      if (c.req.header("authorization")) return c.text("Only one way of authentication is allowed.", 400);
      const key = decodeURIComponent(c.req.path.slice("/files/".length));
      const object =
        api.signer.verify(key, new URL(c.req.url).searchParams).ok && (await api.deps.store.get(key));
      return object ? c.body(Buffer.from(object.body)) : c.text("This URL is not valid.", 403);
    })
    .route("/", api.app);
  const server = createAdaptorServer({ fetch: whole.fetch }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  const stop = () => {
    clearInterval(worker);
    server.close();
  };
  const origin = `http://127.0.0.1:${port}`;
  return { api, origin, receiver: `${origin}/receiver`, received, stop };
}
