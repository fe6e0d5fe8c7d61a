import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect } from "vitest";
import { createApp } from "../../functions/api/app.ts";
import type { ApiDeps } from "../../functions/api/env.ts";
import { REQUEST_LIMITS } from "../../functions/api/limits.ts";
import { openQuotes, PLAIN_QUOTES } from "../../functions/api/quotes.ts";
import type { Video } from "../../functions/api/schemas/video.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { isResolvedRequest } from "../../lib/generation/request/index.ts";
import {
  type Artifact,
  artifactKey,
  type JobEvent,
  type JobRecord,
  jobStore,
} from "../../lib/service/jobs/index.ts";
import { apiKeys, keyRing } from "../../lib/service/keys/index.ts";
import type { Fetched, PostResult } from "../../lib/service/net/index.ts";
import { spendingOf } from "../../lib/service/spending/index.ts";
import { openFolderStore, urlSigner } from "../../lib/service/storage/index.ts";
import { triggerStore } from "../../lib/service/triggers/index.ts";
import { webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { system } from "../../lib/shared/system.ts";
import { receipt } from "../service/jobs/sample-job.ts";
import { deliverAll } from "../service/webhooks/deliver-all.ts";

/** Clock that only moves when a test advances it. */
export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

export interface Posted {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SendOptions {
  /** API key, by default that of the first tenant; null sends none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: FormData;
  readonly body?: RequestInit["body"];
}

export interface TestApiOptions
  extends Partial<
    Pick<
      ApiDeps,
      | "store"
      | "limits"
      | "retentionMs"
      | "webhookUrls"
      | "models"
      | "log"
      | "fault"
      | "post"
      | "fetchPicture"
      | "nextChange"
      | "live"
      | "stopping"
      | "onStreams"
    >
  > {
  /** US dollars of a machine for an hour; by default nobody has told the price. */
  readonly usdPerHour?: number;
  /** Base of signed URLs, if the API is served. */
  readonly baseUrl?: () => string;
}

export type TestApi = Awaited<ReturnType<typeof testApi>>;

export const BASE_URL = "https://api.test";

export const LIMITS: ApiDeps["limits"] = {
  bodyBytesMax: 64 * 1024,
  pictureBodyBytesMax: 64 * 1024,
  promptCharactersMax: 2000,
  unfinishedMax: 1000,
  pixelStepsMax: 64 * 64 * 16 * 1000,
  streams: REQUEST_LIMITS.streams,
};

const root = mkdtempSync(join(tmpdir(), "adareel-api-"));
// The test files of one process share this module, so none of them may remove the folder. A signal ends the process.
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
process.once("SIGTERM", () => process.exit());

/**
 * Creates the whole API over a temporary folder, with the keys of two tenants. No worker runs jobs and
 * nothing is sent: hints and posts are recorded for assertions.
 */
export async function testApi({ baseUrl = () => BASE_URL, usdPerHour, ...options }: TestApiOptions = {}) {
  const price =
    usdPerHour === undefined ? null : { usdPerHour, usdPerHourMost: usdPerHour, source: "setting" as const };
  const clock = testClock(Date.UTC(2026, 10, 22, 12));
  const random = randomBytes;
  const ring = keyRing(randomBytes(32), system.random);
  const signer = urlSigner({ baseUrl, secret: ring.derivedKey("files"), clock });
  const store =
    options.store ??
    (await openFolderStore(mkdtempSync(join(root, "store-")), {
      signUrl: signer.sign,
      random: system.random,
    }));
  const jobs = jobStore({ store, clock, random, sleep: system.sleep, canReadParams: isResolvedRequest });
  const keys = apiKeys({ store, clock, random, sleep: system.sleep });
  const endpoints = webhookEndpoints({ store, ring, clock, random, sleep: system.sleep });
  const posts: Posted[] = [];
  const hinted = { work: [] as string[], webhooks: [] as string[] };
  const receiver = {
    answer: { ok: true, status: 204, retryAfterSeconds: null, milliseconds: 1 } as PostResult,
  };
  const fetched: string[] = [];
  const host = { answer: { ok: false, reason: "Nothing is fetched in tests." } as Fetched };
  const log = options.log ?? pino({ level: "silent" });
  const deps: ApiDeps = {
    jobs,
    keys,
    endpoints,
    triggers: triggerStore({ store, ring, clock, random, sleep: system.sleep }),
    ring,
    store,
    hints: {
      work: async ({ id }) => void hinted.work.push(id),
      webhooks: async ({ id }) => void hinted.webhooks.push(id),
    },
    spending: spendingOf({ store, jobs, clock, random, sleep: system.sleep }),
    quotes: openQuotes({ store, jobs, clock, random, sleep: system.sleep, log }, { ...PLAIN_QUOTES, price }),
    fetchPicture: async (url) => {
      fetched.push(url);
      return host.answer;
    },
    post: async (url, { headers, body }) => {
      posts.push({ url, headers, body: body.toString() });
      return receiver.answer;
    },
    models: [await describeModel(join(import.meta.dirname, "../../models/demo"))],
    limits: LIMITS,
    retentionMs: 7 * 24 * 3_600_000,
    webhookUrls: { allowLoopback: false, blockedHosts: ["api.test"] },
    clock,
    random,
    log,
    version: "0.0.0-test",
    ...options,
  };
  const app = createApp(deps);
  const [own, other] = [
    await keys.create({ tenant: "acme", name: "own" }),
    await keys.create({ tenant: "globex", name: "other" }),
  ];

  async function send(method: string, path: string, options: SendOptions = {}): Promise<Response> {
    const { key = own.key, json, form, body = form, headers } = options;
    return app.request(BASE_URL + path, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined
        ? { body: JSON.stringify(json) }
        : body !== undefined && { body, duplex: "half" }),
    });
  }

  /** Creates a video; asserts that it is accepted. */
  async function create(fields: object = {}, options: SendOptions = {}): Promise<Video> {
    const response = await send("POST", "/v1/videos", {
      ...options,
      json: { prompt: "a red circle", ...fields },
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Video;
  }

  async function get(id: string): Promise<Video> {
    return (await (await send("GET", `/v1/videos/${id}`)).json()) as Video;
  }

  /** Applies an event to a job of the first tenant, as a worker would. */
  async function apply(id: string, event: JobEvent): Promise<JobRecord> {
    const applied = await jobs.apply({ tenant: "acme", id }, event);
    if (!applied.ok) throw new Error(`${event.type} was refused: ${applied.reason}`);
    return applied.record;
  }

  const claim = (id: string) => apply(id, { type: "claim", owner: "worker", leaseMs: 60_000 });

  /** Completes a job of the first tenant as a worker would: claims it, stores outputs, completes it. */
  async function complete(id: string): Promise<JobRecord> {
    const { attempt, params } = await claim(id);
    const write = async (name: string, contentType: string): Promise<Artifact> => {
      const body = Buffer.from(`${name} of ${id}`);
      const key = artifactKey({ tenant: "acme", id }, attempt, name);
      await store.put(key, body, { contentType });
      return {
        key,
        contentType,
        bytes: body.length,
        sha256: createHash("sha256").update(body).digest("hex"),
      };
    };
    const outputs = {
      video: await write("video.mp4", "video/mp4"),
      thumbnail: await write("thumbnail.webp", "image/webp"),
      uncached: params.compare ? await write("uncached.mp4", "video/mp4") : null,
    };
    return apply(id, {
      type: "complete",
      owner: "worker",
      attempt,
      outputs,
      receipt: { ...receipt, attempt },
    });
  }

  /** Sends the webhooks of a job that are due. */
  const deliver = (id: string) => deliverAll({ ...deps, spread: () => 0.5 }, { tenant: "acme", id });

  return {
    app,
    deps,
    clock,
    signer,
    hinted,
    posts,
    receiver,
    fetched,
    host,
    ownKey: own.key,
    otherKey: other.key,
    send,
    create,
    get,
    apply,
    claim,
    complete,
    deliver,
  };
}

function testClock(start: number): TestClock {
  let now = start;
  return {
    now: () => now,
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}
