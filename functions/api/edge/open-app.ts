import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Logger } from "pino";
import { readModelCard } from "../../../lib/distribution/model-store/index.ts";
import { apiKeys, keyRing } from "../../../lib/service/keys/index.ts";
import { readMasterKey } from "../../../lib/service/lambda/index.ts";
import { fetchGuarded, postGuarded } from "../../../lib/service/net/index.ts";
import { PICTURE_LIMITS } from "../../../lib/service/pictures/index.ts";
import { spendingOf } from "../../../lib/service/spending/index.ts";
import { openBucketStore } from "../../../lib/service/storage/index.ts";
import { triggerStore } from "../../../lib/service/triggers/index.ts";
import { webhookEndpoints } from "../../../lib/service/webhooks/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { createApp } from "../app.ts";
import { REQUEST_LIMITS } from "../limits.ts";
import { openJobs } from "../open-jobs.ts";
import { openQuotes } from "../quotes.ts";
import type { Answer } from "./answer-events.ts";
import type { EdgeConfig } from "./edge-config.ts";

const TIMEOUT_MS = 4_000;
/** Bytes of a body that CloudFront passes on to the function. */
const BODY_BYTES_MAX = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;

/**
 * Opens the API on the bucket of a deployment. It sends no hints, because the bucket notifies the queues when the
 * job store writes a marker.
 *
 * @param hosts  host names of this API, to which no webhook is sent and from which no picture is fetched
 * @throws Error if the master key or the model card cannot be read
 */
export async function openApp(
  { bucket, region, model, masterSecret, retentionDays, unfinishedMax, quotes, version }: EdgeConfig,
  hosts: readonly string[],
  log: Logger,
): Promise<Answer> {
  const { clock, random, sleep } = system;
  const store = await openBucketStore({ bucket, region, timeoutMs: TIMEOUT_MS });
  const [master, card] = await Promise.all([readMaster(masterSecret, region), readModelCard(store, model)]);
  if (!card) throw new Error(`The bucket has no model ${model}: push it with npm run models -- push.`);
  const ring = keyRing(master, random);
  const webhookUrls = { allowLoopback: false, blockedHosts: hosts };
  const jobs = openJobs(store, log);
  const app = createApp({
    jobs,
    spending: spendingOf({ store, jobs, clock, random, sleep }),
    quotes: openQuotes({ store, jobs, clock, random, sleep, log }, { ...quotes, workerSince: null }),
    keys: apiKeys({ store, clock, random, sleep }),
    endpoints: webhookEndpoints({ store, ring, clock, random, sleep }),
    triggers: triggerStore({ store, ring, clock, random, sleep }),
    ring,
    store,
    hints: { work: async () => undefined, webhooks: async () => undefined },
    fetchPicture: (url) =>
      fetchGuarded(url, { rules: webhookUrls, bytesMax: PICTURE_LIMITS.bytesMax, timers: system.timers }),
    post: (url, request) => postGuarded(url, { ...request, ...webhookUrls, ...system }),
    models: [card],
    limits: { ...REQUEST_LIMITS, pictureBodyBytesMax: BODY_BYTES_MAX, unfinishedMax },
    retentionMs: retentionDays * DAY_MS,
    webhookUrls,
    clock,
    random,
    log,
    version,
  });
  return (request) => app.fetch(request);
}

/** Reads the master key, and closes the connection, because the key is read only once. */
async function readMaster(name: string, region: string): Promise<Uint8Array> {
  const client = new SecretsManagerClient({
    region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
  });
  try {
    return await readMasterKey(client, name);
  } finally {
    client.destroy();
  }
}
