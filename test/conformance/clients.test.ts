import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { signWebhook } from "../../lib/service/net/index.ts";
import { CLIENTS, CODEBOOK } from "./clients.ts";
import type { Given, WebhookToVerify } from "./given.ts";
import { type LoopbackService, startLoopbackService } from "./service.ts";

/* Real clients, each in a program of its own, against the API on a port of this machine. */

const TIMEOUT_MS = 300_000;

/** Runs a program to its end; returns what it printed. */
async function run([program, ...rest]: readonly [string, ...string[]], given: Given): Promise<object> {
  // Without this LiteLLM asks a server for prices first.
  const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True" };
  const child = spawn(program, rest, { env, timeout: TIMEOUT_MS });
  child.stdin.end(JSON.stringify(given));
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    return JSON.parse(printed) as object;
  } catch {
    throw new Error(`The program printed no JSON: ${printed}${complaints}`);
  }
}

/** Delivers a webhook while a rotated secret is kept; returns it with each secret, and others that are not genuine. */
async function deliveredWebhooks(service: LoopbackService): Promise<Record<string, WebhookToVerify>> {
  const { api, receiver, received } = service;
  const post = async (path: string, json: object) => (await api.send("POST", path, { json })).json();
  const endpoint = (await post("/v1/webhook_endpoints", { url: receiver })) as Endpoint;
  const rotation = { keep_old_secret_active_for_24_hours: true };
  const rotated = (await post(`/v1/webhook_endpoints/${endpoint.id}/rotate_secret`, rotation)) as Endpoint;
  const { id } = await api.create();
  await api.complete(id);
  await api.deliver(id);
  const [current, previous] = [rotated.signing_secret, endpoint.signing_secret];
  const { headers, body } = received.at(-1)!;
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("webhook-")));
  const stale = signWebhook({
    id: own["webhook-id"]!,
    timestampSeconds: Number(own["webhook-timestamp"]) - 3600,
    body,
    secrets: [current],
  });
  await api.send("DELETE", `/v1/webhook_endpoints/${endpoint.id}`);
  await api.send("DELETE", `/v1/videos/${id}`);
  return {
    current: { headers: own, body, secret: current },
    previous: { headers: own, body, secret: previous },
    tampered: { headers: own, body: `${body} `, secret: current },
    foreign: { headers: own, body, secret: `whsec_${Buffer.alloc(32, 1).toString("base64")}` },
    stale: { headers: stale, body, secret: current },
  };
}

interface Endpoint {
  readonly id: string;
  readonly signing_secret: string;
}

describe.each(CLIENTS)("the client $name", ({ name, command, variable, sees }) => {
  if (command === null)
    console.warn(`${name} is not driven: ${variable} names no place where it is installed.`);

  it.skipIf(command === null)(`${name} sees what the API promises`, { timeout: TIMEOUT_MS }, async () => {
    const service = await startLoopbackService();
    try {
      const given: Given = {
        base_url: `${service.origin}/v1`,
        key: service.api.ownKey,
        receiver: service.receiver,
        fields: { seed: 7, cache: { codebook: CODEBOOK, warmup_steps: 2 }, metadata: { order: "42" } },
        webhooks: await deliveredWebhooks(service),
      };
      expect(await run(command!, given)).toEqual(sees);
    } finally {
      service.stop();
    }
  });
});
