import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Logger } from "pino";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { apiKeys, isOpenToOthers, keyRing, openMasterKey } from "../../lib/service/keys/index.ts";
import { fetchGuarded, isLoopbackAddress, postGuarded } from "../../lib/service/net/index.ts";
import { PICTURE_LIMITS } from "../../lib/service/pictures/index.ts";
import { spendingOf } from "../../lib/service/spending/index.ts";
import { urlSigner } from "../../lib/service/storage/index.ts";
import { triggerStore } from "../../lib/service/triggers/index.ts";
import { webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { system } from "../../lib/shared/system.ts";
import { VERSION } from "../../lib/shared/version.ts";
import { createApp } from "../api/app.ts";
import type { ApiDeps, ModelCard } from "../api/env.ts";
import { REQUEST_LIMITS } from "../api/limits.ts";
import { noSniff } from "../api/middleware/no-sniff.ts";
import { openJobs } from "../api/open-jobs.ts";
import { openQuotes } from "../api/quotes.ts";
import type { LocalConfig } from "./config.ts";
import { fileRoutes, markRedirect } from "./files.ts";
import { type Listening, listen } from "./listen.ts";
import { createLoops } from "./loops.ts";
import { createMetrics } from "./metrics.ts";
import { localProvenance } from "./provenance.ts";
import { quoteSettings } from "./quote-settings.ts";
import { sessionKey } from "./session-key.ts";
import { openOwnStore } from "./store.ts";
import { verifyRoutes } from "./verify-routes.ts";
import type { Watch } from "./watch.ts";
import { ownEnvironments } from "./workers.ts";

/** Whole service. It differs from a deployment in its store, a folder by default, and its queues, in memory. */
export interface Service {
  readonly url: string;
  /** API key made at the first start, which cannot be shown again; null at later starts. */
  readonly firstKey: string | null;
  /** API key that ends with this service; null unless only this machine can reach it. */
  readonly sessionKey: string | null;
  stop(): Promise<void>;
}

/** Tenant of the keys that a start makes, so that each start shows the videos of the earlier ones. */
const TENANT = "default";

/**
 * Starts the service.
 *
 * @param watch is told of jobs and of the GPU function's log, which otherwise goes to stderr
 * @throws Error in one sentence if it cannot start
 */
export async function startService(config: LocalConfig, log: Logger, watch?: Watch): Promise<Service> {
  const { clock, random, sleep } = system;
  const models = await Promise.all(config.models.map(describeModel));
  await mkdir(config.dataFolder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(
      `The data folder ${config.dataFolder} cannot be made (${cause.code}): choose another DATA_DIR.`,
    );
  });
  const workerEnvs = await ownEnvironments(config);
  const storeUrl = config.store ?? pathToFileURL(join(config.dataFolder, "store")).href;
  const store = await openOwnStore(storeUrl, (...args) => signer.sign(...args));
  const masterKey = join(config.dataFolder, "master.key");
  const master = await openMasterKey(masterKey, {
    store,
    random,
    mayReplace: config.mayReplaceMasterKey,
    replaceSetting: "NEW_MASTER_KEY=1",
  });
  if (config.mayReplaceMasterKey) {
    log.warn("NEW_MASTER_KEY is set: unset it after this start, or a key that is lost later is replaced too");
  }
  if (await isOpenToOthers(masterKey))
    log.warn(`other users of this machine may read ${masterKey}: chmod 600 keeps it to its owner`);
  const ring = keyRing(master, random);
  let url = config.publicUrl;
  const signer = urlSigner({ baseUrl: () => url!, secret: ring.derivedKey("signed urls"), clock });
  const jobs = openJobs(store, log);
  const keys = apiKeys({ store, clock, random, sleep });
  const endpoints = webhookEndpoints({ store, ring, clock, random, sleep });
  const metrics = createMetrics();
  const provenance = await localProvenance(config, clock);
  if (provenance.endsAt !== null) metrics.observeCertificate(provenance.endsAt);
  const webhookUrls = {
    allowLoopback: config.allowLoopbackWebhooks,
    loopbackSetting: "ALLOW_LOOPBACK_WEBHOOKS=1",
    blockedHosts: config.publicUrl ? [new URL(config.publicUrl).hostname] : [],
  };
  const post: ApiDeps["post"] = (target, request) =>
    postGuarded(target, { ...request, ...webhookUrls, ...system });

  const spending = spendingOf({ store, jobs, clock, random, sleep });
  const loops = createLoops({
    jobs,
    spending,
    keys,
    endpoints,
    ring,
    post,
    clock,
    metrics,
    log,
    config,
    storeUrl,
    workerEnvs,
    watch,
    provenance,
  });

  /** Ends the streams, whose readers come again, before anything else is waited for. */
  const stopping = new AbortController();
  const session = isPrivate(config) ? sessionKey(keys, { tenant: TENANT, random }) : null;
  const api = createApp({
    jobs,
    keys: session?.keys ?? keys,
    endpoints,
    triggers: triggerStore({ store, ring, clock, random, sleep }),
    ring,
    store,
    hints: loops.hints,
    spending,
    quotes: openQuotes({ store, jobs, clock, random, sleep, log }, quoteSettings(config, clock.now())),
    post,
    fetchPicture: (target) =>
      fetchGuarded(target, { rules: webhookUrls, bytesMax: PICTURE_LIMITS.bytesMax, timers: system.timers }),
    models: models as [ModelCard, ...ModelCard[]],
    limits: { ...REQUEST_LIMITS, unfinishedMax: config.unfinishedMax },
    retentionMs: config.retentionMs,
    webhookUrls,
    clock,
    random,
    log,
    version: VERSION,
    fault: () => loops.fault,
    nextChange: loops.nextChange,
    live: loops.live,
    stopping: stopping.signal,
    onStreams: metrics.observeStreams,
  });
  const app = new Hono()
    .use(noSniff())
    .route("/files", fileRoutes(store, signer))
    .route("/verify", verifyRoutes(session?.keys ?? keys))
    .get("/metrics", async (c) =>
      c.text(await metrics.render(), 200, { "content-type": metrics.contentType }),
    )
    .mount(
      "/",
      async (request, { outgoing }: HttpBindings) => {
        const hangUp = () => {
          if (!outgoing.writableFinished) outgoing.destroy();
        };
        return markRedirect(await api.fetch(request, { hangUp }), `${url}/files/`);
      },
      { replaceRequest: false },
    )
    .onError((error, c) => {
      log.error({ reason: error.message }, "request failed");
      return c.text("The service failed.\n", 500);
    });

  let server: Listening | undefined;
  let firstKey: string | null = null;
  async function stop(): Promise<void> {
    stopping.abort();
    const stopped = loops.stop();
    await (server?.stop(stopped) ?? stopped);
  }
  try {
    server = await listen(app, config, log);
    url ??= server.url;
    await loops.started;
    const isFirst = (await keys.list()).length === 0;
    if (isFirst) firstKey = (await keys.create({ tenant: TENANT, name: "first start" })).key;
  } catch (error) {
    await stop();
    throw error;
  }

  loops.begin();

  return { url, firstKey, sessionKey: session?.key ?? null, stop };
}

/** Returns whether only this machine can reach the service: neither its address nor a proxy leads elsewhere. */
function isPrivate({ host, publicUrl }: LocalConfig): boolean {
  return publicUrl === null && (host === "localhost" || isLoopbackAddress(host));
}
