import { createHmac } from "node:crypto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { sessionKey } from "../functions/local/session-key.ts";
import { apiKeys, matchesHash, newApiKey } from "../lib/service/keys/index.ts";
import { signWebhook, verifyGithubSignature, verifyWebhook } from "../lib/service/net/index.ts";
import { urlSigner } from "../lib/service/storage/index.ts";
import { verifyDelivery } from "../lib/service/triggers/delivery.ts";
import { system } from "../lib/shared/system.ts";
import { memoryStore } from "./service/jobs/memory-store.ts";

/*
 * A comparison with `===` gives the same answers as a comparison in constant time, so no example can tell them apart.
 * Here the comparison of the system is replaced by one that lies: a secret is right if and only if it says so.
 */

const { verdict } = vi.hoisted(() => ({ verdict: { isSame: false } }));
vi.mock("node:crypto", async (original) => ({
  ...(await original<typeof import("node:crypto")>()),
  timingSafeEqual: () => verdict.isSame,
}));

const body = Buffer.from("{}");
const nowSeconds = 1_795_305_600;
const clock = { now: () => nowSeconds * 1000 };
const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const { key, hash } = newApiKey(system.random);

/** Changes the last character of a text, so that it is wrong and has its length. */
const wrong = (text: string) => text.slice(0, -1) + (text.endsWith("A") ? "B" : "A");

const signed = signWebhook({ id: "a", timestampSeconds: nowSeconds, body, secrets: [secret] });
const github = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
const signer = urlSigner({ baseUrl: "", secret: Buffer.alloc(32), clock });
const query = new URL(signer.sign("a", { expiresInSeconds: 60 }), "http://a").searchParams;

type Check = (change: (text: string) => string) => boolean | Promise<boolean>;

const standard = (change: (text: string) => string) =>
  new Headers({ ...signed, "webhook-signature": change(signed["webhook-signature"]) });

function delivered(
  scheme: "standard_webhooks" | "github" | "bearer",
  headers: Headers,
  kept = secret,
): boolean {
  return verifyDelivery(scheme, { headers, body }, { secrets: [kept], nowSeconds }) !== null;
}

const checks: Record<string, Check> = {
  "the hash of an API key": (change) => matchesHash(change(key), hash),
  "an API key": async (change) => {
    const keys = apiKeys({ store: memoryStore(), ...system });
    const made = await keys.create({ tenant: "acme", name: "" });
    return (await keys.authenticate(change(made.key))) !== null;
  },
  "a key of a session": async (change) => {
    const stored = apiKeys({ store: memoryStore(), ...system });
    const session = sessionKey(stored, { tenant: "acme", random: system.random });
    return (await session.keys.authenticate(change(session.key))) !== null;
  },
  "a signed URL": (change) => {
    const changed = new URLSearchParams(query);
    changed.set("signature", change(query.get("signature")!));
    return signer.verify("a", changed).ok;
  },
  "a signature of Standard Webhooks": (change) =>
    verifyWebhook({ headers: standard(change), body, secrets: [secret], nowSeconds }).ok,
  "a signature of GitHub": (change) => verifyGithubSignature(body, change(github), secret),
  "a webhook to a trigger": (change) => delivered("standard_webhooks", standard(change)),
  "a webhook of GitHub to a trigger": (change) =>
    delivered("github", new Headers({ "x-hub-signature-256": change(github) })),
  "a token for a trigger": (change) =>
    delivered("bearer", new Headers({ authorization: `Bearer ${change(key)}` }), hash),
};

describe.each(Object.entries(checks))("%s", (name, check) => {
  beforeEach(() => {
    verdict.isSame = false;
  });

  test(`${name} is accepted only where the comparison in constant time says so`, async () => {
    expect(await check((text) => text)).toBe(false);
    verdict.isSame = true;
    expect(await check((text) => text)).toBe(true);
  });

  test(`${name} is compared by nothing else`, async () => {
    verdict.isSame = true;
    expect(await check(wrong)).toBe(true);
  });
});
