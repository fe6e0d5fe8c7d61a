import { createHash } from "node:crypto";
import type { Random } from "../../shared/ports.ts";
import { hashApiKey, matchesHash } from "../keys/index.ts";
import { parseWebhookSecret, verifyGithubSignature, verifyWebhook } from "../net/index.ts";

export const SIGNATURE_SCHEMES = ["standard_webhooks", "github", "bearer"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Somebody else's webhook, as it came. */
export interface IncomingWebhook {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A webhook that is known to be its sender's, and what a repetition of it is known by. */
export interface Delivery {
  /** The same for all attempts at one delivery, and unlike those of every other one. */
  readonly id: string;
  /** Of the content: another one under the same id is a mistake of the sender. */
  readonly fingerprint: string;
  /** How long a repetition may come. */
  readonly lifetimeMs: number;
}

interface Verifying {
  /** What `keptSecret` made of them, opened again. */
  readonly secrets: readonly string[];
  readonly nowSeconds: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Senders try again for days, with the same id and a new time; Standard Webhooks' own example for three. */
const STANDARD_LIFETIME_MS = 7 * DAY_MS;
const GITHUB_LIFETIME_MS = 30 * DAY_MS;
const KEYED_LIFETIME_MS = DAY_MS;
const UNKEYED_LIFETIME_MS = 2 * MINUTE_MS;

/** The delivery, or null if it was not signed with one of the secrets. */
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
      // The signature covers the body and nothing else: whoever saw one delivery could send it with another delivery
      // id. So the content is the id; two events of GitHub differ in it, as it names their objects and times.
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

/** A secret that nobody has seen, from 32 random bytes. */
export function newSecret(scheme: SignatureScheme, random: Random): string {
  const bytes = Buffer.from(random(32));
  return scheme === "standard_webhooks"
    ? `whsec_${bytes.toString("base64")}`
    : `adrt_${bytes.toString("base64url")}`;
}

/** Why the text cannot be a secret of the scheme, in one sentence, or null if it can. */
export function secretFault(scheme: SignatureScheme, secret: string): string | null {
  if (scheme === "standard_webhooks") {
    const parsed = parseWebhookSecret(secret);
    return parsed.ok ? null : parsed.reason;
  }
  return /^[!-~]{16,256}$/.test(secret)
    ? null
    : "A secret must have 16 to 256 printable ASCII characters without spaces.";
}

/** What is kept of a secret: enough to verify with, and of a token that is shown to us each time only its SHA-256. */
export function keptSecret(scheme: SignatureScheme, secret: string, seal: (plain: string) => string): string {
  return scheme === "bearer" ? hashApiKey(secret) : seal(secret);
}
