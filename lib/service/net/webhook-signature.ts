import { createHmac } from "node:crypto";
import { isSameSecret } from "../../shared/is-same-secret.ts";
import { listed } from "../../shared/sentences/index.ts";

type Body = string | Uint8Array;

export interface WebhookToSign {
  /** Id of the webhook, the same for every attempt: printable ASCII without spaces and dots. */
  readonly id: string;
  /** Time of this attempt, in seconds since 1970. */
  readonly timestampSeconds: number;
  readonly body: Body;
  /** Secrets, `whsec_...`; during a rotation both the new and the old one. */
  readonly secrets: readonly string[];
}

export interface WebhookToVerify {
  readonly headers: Headers;
  /** Body, byte for byte as it was received: a body that was parsed and serialised again has another signature. */
  readonly body: Body;
  readonly secrets: readonly string[];
  readonly nowSeconds: number;
}

/** Result of a verification; `reason` is one sentence for the sender. */
export type VerifiedWebhook =
  | { readonly ok: true; readonly id: string; readonly timestampSeconds: number }
  | { readonly ok: false; readonly reason: string };

export type ParsedSecret =
  | { readonly ok: true; readonly key: Uint8Array }
  | { readonly ok: false; readonly reason: string };

const SECRET_PREFIX = "whsec_";
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
/** Largest difference between the time of a webhook and the clock of its receiver. */
export const TOLERANCE_SECONDS = 300;

/**
 * Returns the three headers of a webhook, with one signature for each secret.
 *
 * Source: Standard Webhooks 1.0.0, "Signature scheme".
 *
 * @throws RangeError if there is no secret, or if a secret, the id or the time is invalid
 */
export function signWebhook({ id, timestampSeconds, body, secrets }: WebhookToSign) {
  if (!/^[!-\-/-~]+$/.test(id)) {
    throw new RangeError("The id of a webhook must be printable ASCII without spaces and dots.");
  }
  if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0) {
    throw new RangeError("The time of a webhook must be whole seconds since 1970.");
  }
  const timestamp = String(timestampSeconds);
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures(id, timestamp, body, secrets).join(" "),
  };
}

/**
 * Verifies that a webhook was signed with one of the secrets, within five minutes of now. Signatures are compared in
 * constant time. A caller that must not act twice has to remember the id for ten minutes. The headers may have the
 * names of Svix, `svix-id` and so on, but not some of each.
 *
 * Source: Standard Webhooks 1.0.0, "Verifying webhooks"; Svix's libraries take both names in the same way.
 *
 * @throws RangeError if there is no secret, or if a secret is invalid
 */
export function verifyWebhook({ headers, body, secrets, nowSeconds }: WebhookToVerify): VerifiedWebhook {
  const missing = missingWebhookHeaders(headers);
  const [first] = missing;
  if (first !== undefined) {
    return refusal(
      missing.length === 1
        ? `The header ${first} is missing.`
        : `The headers ${listed(missing)} are missing.`,
    );
  }
  const prefix = prefixOf(headers);
  const [id, timestamp, signature] = MEMBERS.map((member) => headers.get(`${prefix}-${member}`)!) as [
    string,
    string,
    string,
  ];
  if (!/^\d{1,12}$/.test(timestamp))
    return refusal(`The header ${prefix}-timestamp must be seconds since 1970.`);
  const timestampSeconds = Number(timestamp);
  // With a dot, the end of the id could be mistaken for the beginning of the timestamp.
  if (id.includes(".")) return refusal(`The header ${prefix}-id may not contain a dot.`);

  // Signatures are not decoded, so only one form of each is accepted.
  const expected = signatures(id, timestamp, body, secrets);
  const given = signature.split(" ");
  const matches = expected.flatMap((ours) => given.map((theirs) => isSameSecret(theirs, ours)));
  if (!matches.includes(true)) return refusal(`No signature in ${prefix}-signature matches the secret.`);
  if (Math.abs(nowSeconds - timestampSeconds) > TOLERANCE_SECONDS) {
    return refusal(`The header ${prefix}-timestamp is more than ${TOLERANCE_SECONDS} seconds from now.`);
  }
  return { ok: true, id, timestampSeconds };
}

/** Beginnings of the names of a webhook's headers. A webhook with both sets is verified by the first. */
const PREFIXES = ["webhook", "svix"] as const;

const MEMBERS = ["id", "timestamp", "signature"] as const;

/** Returns the names of the headers that a webhook lacks: of those of Svix if it has some of them and none of ours. */
export function missingWebhookHeaders(headers: Headers): string[] {
  return missingOf(headers, prefixOf(headers));
}

function prefixOf(headers: Headers): (typeof PREFIXES)[number] {
  const lacks = (prefix: string) => missingOf(headers, prefix).length;
  const begun = PREFIXES.find((prefix) => lacks(prefix) < MEMBERS.length);
  return PREFIXES.find((prefix) => lacks(prefix) === 0) ?? begun ?? PREFIXES[0];
}

function missingOf(headers: Headers, prefix: string): string[] {
  return MEMBERS.map((member) => `${prefix}-${member}`).filter((name) => !headers.get(name));
}

/**
 * Returns whether `X-Hub-Signature-256` is the signature of the body. GitHub signs neither a time nor the delivery id,
 * so callers have to recognise a replay by its content.
 *
 * @throws RangeError if the secret is empty, because anybody could sign with it
 */
export function verifyGithubSignature(body: Body, header: string | undefined, secret: string): boolean {
  if (secret === "") throw new RangeError("The secret of a GitHub webhook may not be empty.");
  const expected = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  return header !== undefined && isSameSecret(header, expected);
}

/** Decodes a `whsec_` secret to its key of 24 to 64 bytes; `reason` is one sentence on why the secret is invalid. */
export function parseWebhookSecret(text: string): ParsedSecret {
  if (!text.startsWith(SECRET_PREFIX)) return refusal(`A webhook secret must start with ${SECRET_PREFIX}.`);
  const base64 = text.slice(SECRET_PREFIX.length);
  const key = Buffer.from(base64, "base64");
  if (key.toString("base64") !== base64) {
    return refusal(`A webhook secret must be base64 with its padding after ${SECRET_PREFIX}.`);
  }
  if (key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES) {
    return refusal(`A webhook secret must have ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes.`);
  }
  return { ok: true, key };
}

function signatures(id: string, timestamp: string, body: Body, secrets: readonly string[]): string[] {
  if (secrets.length === 0) throw new RangeError("A webhook needs a secret.");
  return secrets.map((secret) => {
    const parsed = parseWebhookSecret(secret);
    if (!parsed.ok) throw new RangeError(parsed.reason);
    const mac = createHmac("sha256", parsed.key).update(`${id}.${timestamp}.`).update(body);
    return `v1,${mac.digest("base64")}`;
  });
}

function refusal(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
