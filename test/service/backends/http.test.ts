import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { afterAll, afterEach, expect, it } from "vitest";
import { createGpuApp } from "../../../functions/gpu/server.ts";
import { type Backend, openBackend } from "../../../lib/service/backends/index.ts";
import type { JobRef } from "../../../lib/service/jobs/index.ts";
import { queued } from "../jobs/sample-job.ts";
import { describeBackend } from "./backend-contract.ts";

const log = { debug: noop, info: noop, warn: noop, error: noop };
let isStopping = false;
let taken: JobRef[] = [];
afterEach(() => {
  isStopping = false;
  taken = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function noop(): void {}

/** The GPU function's own server, with a worker that never ends a job. */
const worker = {
  get isBusy() {
    return taken.length > 0;
  },
  get isStopping() {
    return isStopping;
  },
  run(ref: JobRef) {
    if (isStopping) return Promise.resolve({ outcome: "stopping" } as const);
    taken.push(ref);
    return new Promise<never>(() => undefined);
  },
  stop: async () => undefined,
  handBack: noop,
};
const server = createAdaptorServer({
  fetch: createGpuApp({ worker, models: { warm: null }, log }).fetch,
}) as Server;
server.listen(0, "127.0.0.1");
await once(server, "listening");
const GPU_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const open = (): Backend => openBackend({ STORE: "s3://videos", GPU_URL }, Date);

describeBackend("a plain HTTP server", () => ({
  backend: open(),
  taken: async () => taken,
  endMessage: null,
  refuse: () => {
    isStopping = true;
  },
}));

it("a server that is not there takes nothing, and nobody knows what it has", async () => {
  const gone = openBackend({ STORE: "s3://videos", GPU_URL: "http://127.0.0.1:1" }, Date);
  await expect(gone.submit(queued)).rejects.toThrow();
  expect(await gone.waiting()).toBeNull();
});
