import type { Video } from "./routes.ts";

/** Event of a video, as a webhook brings it. */
export interface WebhookEvent {
  /** Same for every delivery of the event. */
  readonly id: string;
  readonly object: "event";
  readonly type: "video.queued" | "video.in_progress" | "video.completed" | "video.failed";
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly data: {
    /** Id of the video. */
    readonly id: string;
    readonly status: string;
    readonly model: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly error: Video["error"];
  };
}

export interface WebhookToVerify {
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Body, byte for byte as it was received: a body that was parsed and written again has another signature. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Signing secret, `whsec_...`; while one is rotated, the new and the old one. */
  readonly secret: string | readonly string[];
}

const PREFIX = "whsec_";
/** Largest difference between the time of a webhook and the clock of its receiver. */
const TOLERANCE_SECONDS = 300;

/**
 * Returns the event of a webhook, if it was signed with the secret within five minutes of now. The same event may come
 * twice: a receiver that must not act twice remembers its id.
 *
 * Source: Standard Webhooks 1.0.0, "Verifying webhooks".
 *
 * @throws Error in one sentence, to be answered with 401
 */
export async function verifyWebhook({ headers, body, secret }: WebhookToVerify): Promise<WebhookEvent> {
  const given = headers instanceof Headers ? headers : new Headers(plain(headers));
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => {
    const value = given.get(name);
    if (value === null) throw new Error(`The header ${name} is missing.`);
    return value;
  }) as [string, string, string];
  const sentSeconds = Number(timestamp);
  // Written so that a time that is no number is refused.
  if (!(Math.abs(Date.now() / 1000 - sentSeconds) <= TOLERANCE_SECONDS))
    throw new Error("The time of this webhook is more than five minutes off.");
  const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), content);
  for (const each of typeof secret === "string" ? [secret] : secret) {
    const key = await crypto.subtle.importKey("raw", keyOf(each), ALGORITHM, false, ["verify"]);
    for (const [, signature] of signatures.matchAll(/(?:^| )v1,([A-Za-z0-9+/]+=*)(?= |$)/g)) {
      if (await crypto.subtle.verify("HMAC", key, bytesOf(signature!), signed))
        return JSON.parse(new TextDecoder().decode(content)) as WebhookEvent;
    }
  }
  throw new Error("The signature of this webhook is not of this secret and this body.");
}

const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

function plain(headers: Exclude<WebhookToVerify["headers"], Headers>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  if (!secret.startsWith(PREFIX)) throw new Error(`A signing secret begins with ${PREFIX}.`);
  return bytesOf(secret.slice(PREFIX.length));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
