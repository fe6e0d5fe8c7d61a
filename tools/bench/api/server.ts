import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { pino } from "pino";
import { createApp } from "../../../functions/api/app.ts";
import { REQUEST_LIMITS } from "../../../functions/api/limits.ts";
import { openQuotes, PLAIN_QUOTES } from "../../../functions/api/quotes.ts";
import { describeModel } from "../../../lib/generation/pipeline/index.ts";
import { jobStore } from "../../../lib/service/jobs/index.ts";
import { apiKeys, keyRing, openMasterKey } from "../../../lib/service/keys/index.ts";
import { spendingOf } from "../../../lib/service/spending/index.ts";
import { openFolderStore, type UrlSigner, urlSigner } from "../../../lib/service/storage/index.ts";
import { triggerStore } from "../../../lib/service/triggers/index.ts";
import { webhookEndpoints } from "../../../lib/service/webhooks/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { demoModel } from "../options.ts";
import { answerQuestions } from "./server-process.ts";

/**
 * API server (`server.ts FOLDER TENANTS`) over the data folder of the local service, without a worker for its
 * jobs. It creates a key for each of the given number of new tenants.
 */

const [folder, tenants] = [process.argv[2]!, Number(process.argv[3])];
const { clock, random, sleep } = system;

await mkdir(folder, { recursive: true });
const signUrl: UrlSigner["sign"] = (...args) => signer.sign(...args);
const store = await openFolderStore(join(folder, "store"), { signUrl, random });
const ring = keyRing(await openMasterKey(join(folder, "master.key"), { store, random }), random);
const baseUrl = "http://127.0.0.1";
const signer = urlSigner({ baseUrl, secret: ring.derivedKey("signed urls"), clock });
const jobs = jobStore({ store, clock, random, sleep });
const keys = apiKeys({ store, clock, random, sleep });

const log = pino({ base: null }, pino.destination(join(folder, "requests.log")));

const app = createApp({
  jobs,
  keys,
  endpoints: webhookEndpoints({ store, ring, clock, random, sleep }),
  triggers: triggerStore({ store, ring, clock, random, sleep }),
  ring,
  store,
  spending: spendingOf({ store, jobs, clock, random, sleep }),
  quotes: openQuotes({ store, jobs, clock, random, sleep, log }, PLAIN_QUOTES),
  hints: { work: async () => undefined, webhooks: async () => undefined },
  fetchPicture: () => Promise.reject(new Error("Nothing is fetched here.")),
  post: () => Promise.reject(new Error("Nothing is sent here.")),
  models: [await describeModel(demoModel)],
  limits: { ...REQUEST_LIMITS, pictureBodyBytesMax: 64 * 1024, unfinishedMax: 1000 },
  retentionMs: 30 * 24 * 3_600_000,
  webhookUrls: { allowLoopback: false, blockedHosts: [] },
  clock,
  random,
  // The service logs one line per request; so does this server.
  log,
  version: "bench",
});

/** Cancels every unfinished job, one after the other, so that each round starts with an empty queue. */
async function cancelAll(): Promise<void> {
  for await (const ref of jobs.unfinished()) await jobs.apply(ref, { type: "cancel" });
}

const made: string[] = [];
for (let index = 0; index < tenants; index++) {
  const tenant = `bench-${randomBytes(4).toString("hex")}`;
  made.push((await keys.create({ tenant, name: "bench" })).key);
}
const server = createAdaptorServer({ fetch: app.fetch }) as Server;
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 });
await once(server, "listening");
answerQuestions(cancelAll);
process.send!({ port: (server.address() as AddressInfo).port, keys: made });
