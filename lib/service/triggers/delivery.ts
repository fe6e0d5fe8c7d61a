import { createHash } from "node:crypto";
import type { Random } from "../../shared/ports.ts";
import { hashApiKey, matchesHash } from "../keys/index.ts";
import { parseWebhookSecret, verifyGithubSignature, verifyWebhook } from "../net/index.ts";

export const SIGNATURE_SCHEMES = ["standard_webhooks", "github", "bearer"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Webhook received from another service, not verified yet. */
export interface IncomingWebhook {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Verified webhook, and the id by which its repetitions are recognised. */
export interface Delivery {
  /** Id shared by all attempts of one delivery, and by no other delivery. */
  readonly id: string;
  /** Hash of the content. Different content under the same id is an error of the sender. */
  readonly fingerprint: string;
  /** Time during which repetitions are recognised. */
  readonly lifetimeMs: number;
}

interface Verifying {
  /** Secrets as `keptSecret` returned them, unsealed. */
  readonly secrets: readonly string[];
  readonly nowSeconds: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Senders retry for days with the same id and a new timestamp; three days in the example of Standard Webhooks. */
const STANDARD_LIFETIME_MS = 7 * DAY_MS;
const GITHUB_LIFETIME_MS = 30 * DAY_MS;
const KEYED_LIFETIME_MS = DAY_MS;
const UNKEYED_LIFETIME_MS = 2 * MINUTE_MS;

/** Verifies a webhook. Returns null if it was not signed with one of the secrets. */
export function verifyDelivery(
  scheme: SignatureScheme,
  { headers, body }: IncomingWebhook,
  { secrets, nowSeconds }: Verifying,
): Delivery | null {
  const fingerprint = createHash("sha256").update(body).digest("hex");
  switch (scheme) {
    case "standard_webhooks": {
      const verified = verifyWebhook({ headers, body, secrets, nowSeconds });
      return verified.ok ? { id: verified.id, fingerprint, lifetimeMs: STANDARD_LIFETIME_MS } : null;
    }
    case "github": {
      const signature = headers.get("x-hub-signature-256") ?? undefined;
      const matches = secrets.map((secret) => verifyGithubSignature(body, signature, secret));
      // GitHub's signature covers the body only, so an attacker who saw one delivery could send it under
      // another delivery id. The content is the id instead: bodies of two events differ, because they name
      // objects and times.
      return matches.includes(true) ? { id: fingerprint, fingerprint, lifetimeMs: GITHUB_LIFETIME_MS } : null;
    }
    case "bearer": {
      const [, token = ""] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
      const matches = secrets.map((hash) => matchesHash(token, hash));
      if (!matches.includes(true)) return null;
      const key = headers.get("idempotency-key") || headers.get("webhook-id");
      return key
        ? { id: `key ${key}`, fingerprint, lifetimeMs: KEYED_LIFETIME_MS }
        : { id: `body ${fingerprint}`, fingerprint, lifetimeMs: UNKEYED_LIFETIME_MS };
    }
  }
}

/** Creates a secret from 32 random bytes. */
export function newSecret(scheme: SignatureScheme, random: Random): string {
  const bytes = Buffer.from(random(32));
  return scheme === "standard_webhooks"
    ? `whsec_${bytes.toString("base64")}`
    : `adrt_${bytes.toString("base64url")}`;
}

/** Returns one sentence on why the text is not a valid secret of the scheme, or null if it is valid. */
export function secretFault(scheme: SignatureScheme, secret: string): string | null {
  if (scheme === "standard_webhooks") {
    const parsed = parseWebhookSecret(secret);
    return parsed.ok ? null : parsed.reason;
  }
  return /^[!-~]{16,256}$/.test(secret)
    ? null
    : "A secret must have 16 to 256 printable ASCII characters without spaces.";
}

/**
 * Returns the stored form of a secret: sealed if it must be read again to verify, or the SHA-256 of a bearer
 * token, which senders show each time.
 */
export function keptSecret(scheme: SignatureScheme, secret: string, seal: (plain: string) => string): string {
  return scheme === "bearer" ? hashApiKey(secret) : seal(secret);
}
