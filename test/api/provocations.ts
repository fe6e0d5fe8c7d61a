import { createApp } from "../../functions/api/app.ts";
import type { ApiDeps } from "../../functions/api/env.ts";
import { IDS } from "../../functions/api/openapi/examples/example.ts";
import { operationExamples } from "../../functions/api/openapi/examples/operation-examples.ts";
import type { Operation } from "../../functions/api/openapi/operation.ts";
import type { ProblemCode } from "../../functions/api/problem.ts";
import { liveJobs } from "../../functions/local/live-jobs.ts";
import { jobKey } from "../../lib/service/jobs/object-keys.ts";
import { SecretError } from "../../lib/service/keys/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { BASE_URL, type SendOptions, testApi } from "./support.ts";

const api = await testApi({ store: memoryStore() });
const examples = operationExamples(api.deps, api.deps.version);

/** Request, and the dependencies of the app that it is sent to. */
interface Provocation extends SendOptions {
  readonly id?: string;
  readonly query?: string;
  /** Dependencies of an app in which something is wrong. */
  readonly deps?: ApiDeps;
}

/** Sends a request to an operation that it answers with the given error, as a wrong or unlucky client would. */
export async function provoke(operation: Operation, code: ProblemCode): Promise<Response> {
  const { id = await idOf(operation), query = "", deps, ...sent } = await provocation(operation, code);
  const path = operation.path.replace("{id}", id) + query;
  const options =
    operation.body && !("json" in sent || "body" in sent || "form" in sent) ? right(operation) : {};
  const { key = api.ownKey, json, form, body = form, headers } = { ...options, ...sent };
  const app = deps ? createApp(deps) : api.app;
  return app.request(BASE_URL + path, {
    method: operation.method.toUpperCase(),
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    body: json === undefined ? (body ?? null) : JSON.stringify(json),
  });
}

const right = ({ id }: Operation): SendOptions => ({
  json: Object.values(examples[id]?.bodies ?? {})[0]?.value,
});

async function idOf({ path }: Operation): Promise<string> {
  if (path.startsWith("/v1/videos/")) return (await api.create()).id;
  if (path.startsWith("/v1/models")) return "demo";
  if (path.startsWith("/v1/webhook_endpoints")) {
    return created("/v1/webhook_endpoints", { url: "https://hooks.example.com" });
  }
  return path.startsWith("/v1/triggers") ? trigger : "";
}

async function created(path: string, json: object): Promise<string> {
  return ((await (await api.send("POST", path, { json })).json()) as { id: string }).id;
}

/** Trigger whose sender shows a token, and which names a field of the payload. */
const TOKEN = "a-token-of-16-characters";
const trigger = await created("/v1/triggers", {
  prompt: "{{/issue/title}}",
  signature: { scheme: "bearer", secret: TOKEN },
});

async function provocation(operation: Operation, code: ProblemCode): Promise<Provocation> {
  const own = operation.id === "invokeTrigger" ? invocation(code) : null;
  return own ?? (await ofOperation(operation, code)) ?? usual(operation, code);
}

async function usual({ id, body }: Operation, code: ProblemCode): Promise<Provocation> {
  const { wrong = {} } = examples[id] ?? {};
  const inQuery = (fields: object) => ({
    query: `?${new URLSearchParams(fields as Record<string, string>)}`,
  });
  switch (code) {
    case "invalid_api_key":
      return { key: "adr_wrong" };
    case "invalid_value":
      return body ? { json: wrong } : inQuery(wrong);
    case "unknown_parameter":
      return body
        ? { json: { ...(Object.values(examples[id]!.bodies!)[0]!.value as object), colour: "red" } }
        : inQuery({ colour: "red" });
    case "unsupported_parameter": {
      const form = new FormData();
      form.append("prompt", new Blob(["a"]), "a.txt");
      return { form };
    }
    case "invalid_json":
      return { body: "{", headers: { "content-type": "application/json" } };
    case "invalid_multipart":
      return { body: "{", headers: { "content-type": "multipart/form-data; boundary=a" } };
    case "body_too_large":
      return { body: " ".repeat(300_000), headers: { "content-type": "application/json" } };
    case "unsupported_media_type":
      return { body: "a", headers: { "content-type": "text/html" } };
    case "video_not_found":
    case "not_found":
      return { id: "unknown" };
    case "internal_error":
      return { deps: broken(new TypeError("a bug")) };
    case "storage_unavailable":
      return { deps: broken(new StoreError("denied", "no bucket")) };
    case "idempotency_key_reused":
      return { deps: ordering("mismatched") };
    case "queue_full":
      return { deps: ordering("queue_full") };
    case "video_expired":
      return { deps: ordering("gone") };
    case "spending_limit_reached":
      return { deps: limited(0.62) };
    case "price_unknown":
      return { deps: limited(null) };
    case "filter_unfinished":
      return { query: "?status=failed", deps: endless() };
    case "too_many_streams":
      return { deps: withoutStreams() };
    case "video_not_ready":
      return {};
    case "video_failed":
      return cancelled();
    case "record_damaged":
      return damaged();
    default:
      throw new Error(`Nothing provokes ${code} of ${id}.`);
  }
}

const PRIVATE = "https://10.0.0.7/hook";
const PRIVATE_PICTURE = "https://10.0.0.7/picture.png";
const PICTURE_URL = "https://example.com/picture.png";

/** Dependencies of an app whose model takes pictures, where no host gives any. */
function takingPictures(): ApiDeps {
  const [{ name, limits }] = api.deps.models;
  const reason = "The picture cannot be fetched from example.com: it answered with the status 404.";
  return {
    ...api.deps,
    models: [{ name, limits: { ...limits, takes_image: true } }],
    fetchPicture: async () => ({ ok: false, reason }),
  };
}

/** Trigger whose payload has the URL of a picture, and an app in which it can be used. */
async function pictureTrigger(): Promise<Pick<Provocation, "id" | "deps">> {
  const deps = takingPictures();
  const json = {
    prompt: "a",
    signature: { scheme: "bearer", secret: TOKEN },
    video: { input_reference: "{{/picture}}" },
  };
  const answer = await createApp(deps).request(`${BASE_URL}/v1/triggers`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.ownKey}`, "content-type": "application/json" },
    body: JSON.stringify(json),
  });
  return { deps, id: ((await answer.json()) as { id: string }).id };
}

/** Deletes the picture of a video, as the end of its time does. */
async function withoutPicture(): Promise<Provocation> {
  const { id } = await api.create();
  const lost = {
    key: "inputs/lost",
    contentType: "image/png",
    bytes: 1,
    sha256: "00",
    width: 16,
    height: 16,
  };
  const read: ApiDeps["jobs"]["read"] = async (ref) => {
    const record = await api.deps.jobs.read(ref);
    return record && { ...record, inputs: { input_reference: lost } };
  };
  return { id, deps: { ...api.deps, jobs: { ...api.deps.jobs, read } } };
}

async function ofOperation({ id }: Operation, code: ProblemCode): Promise<Provocation | null> {
  switch (`${id} ${code}`) {
    case "getVideoContent unsupported_variant":
      return { query: "?variant=gif" };
    case "getVideoContent video_expired":
      return expired();
    case "redeliverVideoWebhooks not_found":
      return { json: { event_id: "evt_unknown" } };
    case "dryRunTrigger template_field_missing":
      return { json: { payload: {} } };
    case "createVideo invalid_picture":
    case "quoteVideo invalid_picture":
      return { json: { prompt: "a", input_reference: `data:;base64,${btoa("hello")}` } };
    case "createVideo picture_unreachable":
      return { json: { prompt: "a", input_reference: PICTURE_URL }, deps: takingPictures() };
    case "remixVideo invalid_picture":
      return withoutPicture();
    case "createTrigger invalid_picture":
      return {
        json: { prompt: "a", signature: { scheme: "bearer" }, video: { input_reference: PRIVATE_PICTURE } },
      };
    case "updateTrigger invalid_picture":
      return { json: { video: { input_reference: PRIVATE_PICTURE } } };
    case "dryRunTrigger invalid_picture":
      return { ...(await pictureTrigger()), json: { payload: { picture: PRIVATE_PICTURE } } };
    case "invokeTrigger invalid_picture":
      return { ...(await pictureTrigger()), key: TOKEN, json: { picture: PRIVATE_PICTURE } };
    case "invokeTrigger picture_unreachable":
      return { ...(await pictureTrigger()), key: TOKEN, json: { picture: PICTURE_URL } };
    case "createVideo invalid_webhook_url":
    case "quoteVideo invalid_webhook_url":
    case "remixVideo invalid_webhook_url":
      return { json: { prompt: "a", webhook_url: PRIVATE } };
    case "createWebhookEndpoint invalid_webhook_url":
    case "updateWebhookEndpoint invalid_webhook_url":
      return { json: { url: PRIVATE } };
    case "createTrigger invalid_webhook_url":
      return { json: { prompt: "a", signature: { scheme: "bearer" }, video: { webhook_url: PRIVATE } } };
    case "updateTrigger invalid_webhook_url":
      return { json: { video: { webhook_url: PRIVATE } } };
    default:
      return null;
  }
}

/** Webhooks of a sender with the right token. */
function invocation(code: ProblemCode): Provocation | null {
  const json = { issue: { title: "a red circle" } };
  switch (code) {
    case "invalid_value":
      return { key: TOKEN, json: { issue: { title: "a".repeat(2001) } } };
    case "template_field_missing":
      return { key: TOKEN, json: {} };
    case "invalid_signature":
      return { key: "wrong", json };
    case "idempotency_key_reused":
      return { key: TOKEN, json, deps: ordering("mismatched") };
    case "queue_full":
      return { key: TOKEN, json, deps: ordering("queue_full") };
    case "video_expired":
      return { key: TOKEN, json, deps: ordering("gone") };
    case "spending_limit_reached":
      return { key: TOKEN, json, deps: limited(0.62) };
    case "price_unknown":
      return { key: TOKEN, json, deps: limited(null) };
    case "secret_unavailable":
      return { key: TOKEN, json, deps: sealedOtherwise() };
    case "invalid_json":
      return { key: TOKEN, body: "{", headers: { "content-type": "application/json" } };
    case "unsupported_media_type":
      return { key: TOKEN, body: "a", headers: { "content-type": "text/plain" } };
    default:
      return null;
  }
}

/** Overwrites the record of a video with what is no record. */
async function damaged(): Promise<Provocation> {
  const { id } = await api.create();
  await api.deps.store.put(jobKey({ tenant: "acme", id }), new TextEncoder().encode("{"));
  return { id };
}

/** Completes a video whose outputs have expired by the time at which the request is made. */
async function expired(): Promise<Provocation> {
  const { id } = await api.create();
  await api.complete(id);
  const late = api.clock.now() + api.deps.retentionMs + 1;
  return { id, deps: { ...api.deps, clock: { now: () => late } } };
}

async function cancelled(): Promise<Provocation> {
  const { id } = await api.create();
  await api.send("POST", `/v1/videos/${id}/cancel`);
  return { id };
}

/** Dependencies of an app whose job store answers every order in the same way. */
function ordering(outcome: "mismatched" | "queue_full" | "gone"): ApiDeps {
  return { ...api.deps, jobs: { ...api.deps.jobs, create: async () => ({ outcome }) } };
}

/** Dependencies of an app whose keys have almost spent their day, on machines of this price. */
function limited(usdPerHour: number | null): ApiDeps {
  const { keys, quotes } = api.deps;
  const endsAt = Date.UTC(2026, 11, 1);
  const price =
    usdPerHour === null ? null : { usdPerHour, usdPerHourMost: usdPerHour, source: "setting" as const };
  return {
    ...api.deps,
    keys: { ...keys, limitOf: async () => 20 },
    spending: { ...api.deps.spending, reserve: async () => ({ ok: false, leftUsd: 0.5, endsAt }) },
    quotes: { ...quotes, settings: { ...quotes.settings, price } },
  };
}

/** Dependencies of an app in which no key may have a stream. */
function withoutStreams(): ApiDeps {
  const limits = { ...api.deps.limits, streams: { ...api.deps.limits.streams, perKeyMax: 0 } };
  return { ...api.deps, limits, live: liveJobs() };
}

/** Dependencies of an app with more videos than one request looks at, none of which is shown. */
function endless(): ApiDeps {
  const list = async () => ({ records: [], lastId: IDS.video, isTruncated: true });
  return { ...api.deps, jobs: { ...api.deps.jobs, list } };
}

/** Dependencies of an app whose triggers were sealed with another master key. */
function sealedOtherwise(): ApiDeps {
  const authenticate = () => Promise.reject(new SecretError("sealed with another key"));
  return { ...api.deps, triggers: { ...api.deps.triggers, authenticate } };
}

/** Dependencies of an app that fails at the first thing that any request needs. */
function broken(error: Error): ApiDeps {
  const fail = (): never => {
    throw error;
  };
  const keys = { ...api.deps.keys, authenticate: async () => fail() };
  const triggers = { ...api.deps.triggers, authenticate: async () => fail() };
  return Object.defineProperty({ ...api.deps, keys, triggers }, "version", { get: fail });
}
