import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import OpenAI from "openai";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  parseWebhookSecret,
  signWebhook,
  verifyGithubSignature,
  verifyWebhook,
} from "../../../lib/service/net/index.ts";

const secretOf = (bytes: Uint8Array) => `whsec_${Buffer.from(bytes).toString("base64")}`;
const secret = secretOf(Buffer.alloc(32, 1));
const older = secretOf(Buffer.alloc(32, 2));
const timestampSeconds = 1_795_305_600;
const webhook = { id: "evt_123", timestampSeconds, body: '{"type":"video.completed"}', secrets: [secret] };

function verify(headers: Record<string, string>, changes: Partial<Parameters<typeof verifyWebhook>[0]> = {}) {
  const { body, secrets } = webhook;
  return verifyWebhook({
    headers: new Headers(headers),
    body,
    secrets,
    nowSeconds: timestampSeconds,
    ...changes,
  });
}

const accepted = { ok: true, id: webhook.id, timestampSeconds };
const mismatch = { ok: false, reason: "No signature in webhook-signature matches the secret." };

test("the example of the specification has its signature", () => {
  const headers = signWebhook({
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestampSeconds: 1_614_265_330,
    body: '{"test": 2432232314}',
    secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  });
  expect(headers).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

const anySecret = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretOf);
const anyId = fc.stringMatching(/^[\w-]{1,64}$/);

test("the reference library and the openai SDK accept what is signed, with either secret", async () => {
  const client = new OpenAI({ apiKey: "none" });
  const now = Math.floor(Date.now() / 1000);
  const run = fc.asyncProperty(
    anyId,
    fc.jsonValue(),
    anySecret,
    anySecret,
    async (id, value, first, second) => {
      const body = JSON.stringify(value);
      const headers = signWebhook({ id, timestampSeconds: now, body, secrets: [first, second] });
      for (const one of [first, second]) {
        new Webhook(one).verify(body, headers);
        await client.webhooks.unwrap(body, headers, one);
      }
    },
  );
  await fc.assert(run);
});

test("a signature of the reference library is accepted", () => {
  const run = fc.property(anyId, fc.string({ unit: "grapheme" }), anySecret, (id, body, one) => {
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": new Webhook(one).sign(id, new Date(timestampSeconds * 1000), body),
    };
    expect(verify(headers, { body, secrets: [one] })).toEqual({ ok: true, id, timestampSeconds });
  });
  fc.assert(run);
});

describe("verifying", () => {
  const headers = signWebhook(webhook);

  test("a verified body may be text or bytes, also bytes that are not UTF-8", () => {
    expect(verify(headers)).toEqual(accepted);
    expect(verify(headers, { body: Buffer.from(webhook.body) })).toEqual(accepted);
    const body = Uint8Array.of(0xff, 0, 0xfe);
    const signed = signWebhook({ ...webhook, body });
    expect(verify(signed, { body })).toEqual(accepted);
    expect(verify(signed, { body: Uint8Array.of(0xfd, 0, 0xfe) })).toEqual(mismatch);
  });

  test("any of several signatures and any of several secrets is accepted", () => {
    const rotated = signWebhook({ ...webhook, secrets: [older, secret] });
    expect(rotated["webhook-signature"].split(" ")).toHaveLength(2);
    expect(verify(rotated)).toEqual(accepted);
    expect(verify(headers, { secrets: [older, secret] })).toEqual(accepted);
    expect(verify(headers, { secrets: [older] })).toEqual(mismatch);
    const foreign = `v1a,AAAA v2,x ${headers["webhook-signature"]} ,`;
    expect(verify({ ...headers, "webhook-signature": foreign })).toEqual(accepted);
  });

  test.each([
    [300, accepted],
    [-300, accepted],
    [301, { ok: false, reason: "The header webhook-timestamp is more than 300 seconds from now." }],
    [-301, { ok: false, reason: "The header webhook-timestamp is more than 300 seconds from now." }],
  ])("a signature is valid within 300 seconds of its time: %d seconds", (seconds, result) => {
    expect(verify(headers, { nowSeconds: timestampSeconds + seconds })).toEqual(result);
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])(
    "a delivery without %s is refused",
    (name) => {
      const reason = `The header ${name} is missing.`;
      expect(verify({ ...headers, [name]: "" })).toEqual({ ok: false, reason });
      const { [name]: _, ...others } = headers as Record<string, string>;
      expect(verify(others)).toEqual({ ok: false, reason });
    },
  );

  test.each(["now", "-1", "1.5", "1e9", "0x10", `${timestampSeconds} `.repeat(2), "9".repeat(13)])(
    "a delivery with the time %s is refused",
    (timestamp) => {
      const reason = "The header webhook-timestamp must be seconds since 1970.";
      expect(verify({ ...headers, "webhook-timestamp": timestamp })).toEqual({ ok: false, reason });
    },
  );

  test("a dot that moves from the id into the time is refused", () => {
    const [time, rest] = [`${timestampSeconds}`, `${timestampSeconds}.${webhook.body}`];
    const key = Buffer.alloc(32, 1);
    const mac = createHmac("sha256", key).update(`evt_1.${time}.${rest}`).digest("base64");
    const forged = {
      "webhook-id": `evt_1.${time}`,
      "webhook-timestamp": time,
      "webhook-signature": `v1,${mac}`,
    };
    const reason = "The header webhook-id may not contain a dot.";
    expect(verify(forged)).toEqual({ ok: false, reason });
  });

  test.each([
    ["v1", "no comma"],
    ["V1", "another case"],
    ["v1a", "another version"],
  ])("the right signature as %s (%s) is refused", (version) => {
    const mac = headers["webhook-signature"].slice(3);
    const text = version === "v1" ? `v1${mac}` : `${version},${mac}`;
    expect(verify({ ...headers, "webhook-signature": text })).toEqual(mismatch);
  });

  test("every one of 10,000 single-byte changes is refused", () => {
    const parts = { ...headers, body: webhook.body };
    const names = Object.keys(parts) as (keyof typeof parts)[];
    const noise = randomBytes(40_000);
    let refused = 0;
    for (let at = 0; at < noise.length; at += 4) {
      const name = names[noise[at]! % names.length]!;
      const bytes = Buffer.from(parts[name]);
      const index = noise.readUInt16LE(at + 1) % bytes.length;
      // The character is replaced by another printable one, because headers accept no others.
      bytes[index] = 33 + ((bytes[index]! - 33 + 1 + (noise[at + 3]! % 93)) % 94);
      const { body, ...changed } = { ...parts, [name]: bytes.toString() };
      if (!verify(changed, { body }).ok) refused++;
    }
    expect(refused).toBe(10_000);
  });
});

describe("signing refuses", () => {
  test.each(["", "evt.1", "evt 1", "evt_1\n", "evt_é"])("a signature for the id %j is refused", (id) => {
    const error = new RangeError("The id of a webhook must be printable ASCII without spaces and dots.");
    expect(() => signWebhook({ ...webhook, id })).toThrow(error);
  });

  test.each([-1, 1.5, Number.NaN, 1e300])("a signature for the time %d is refused", (seconds) => {
    const error = new RangeError("The time of a webhook must be whole seconds since 1970.");
    expect(() => signWebhook({ ...webhook, timestampSeconds: seconds })).toThrow(error);
  });

  test("signing and verifying without a secret are refused", () => {
    const error = new RangeError("A webhook needs a secret.");
    expect(() => signWebhook({ ...webhook, secrets: [] })).toThrow(error);
    expect(() => verify(signWebhook(webhook), { secrets: [] })).toThrow(error);
    expect(() => signWebhook({ ...webhook, secrets: ["whsec_"] })).toThrow(RangeError);
  });
});

describe("a webhook secret", () => {
  test.each([24, 25, 26, 63, 64])("a secret of %d bytes is a valid webhook secret", (count) => {
    const key = randomBytes(count);
    expect(parseWebhookSecret(secretOf(key))).toEqual({ ok: true, key });
  });

  const size = "A webhook secret must have 24 to 64 bytes.";
  const base64 = "A webhook secret must be base64 with its padding after whsec_.";
  test.each([
    ["", "A webhook secret must start with whsec_."],
    [secret.slice(6), "A webhook secret must start with whsec_."],
    [`whsk_${secret.slice(6)}`, "A webhook secret must start with whsec_."],
    ["whsec_", size],
    [secretOf(Buffer.alloc(23)), size],
    [secretOf(Buffer.alloc(65)), size],
    [secret.replace("=", ""), base64],
    [secret.replace("=", "=="), base64],
    [`${secret}\n`, base64],
    [`whsec_${"A".repeat(42)}B=`, base64],
    [`whsec_${"-".repeat(44)}`, base64],
    ["whsec_not base64 at all, but long enough", base64],
  ])("the text %j is not a valid webhook secret", (text, reason) => {
    expect(parseWebhookSecret(text)).toEqual({ ok: false, reason });
  });
});

describe("a GitHub signature", () => {
  // From GitHub's documentation, "Validating webhook deliveries".
  const githubSecret = "It's a Secret to Everybody";
  const hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const check = (
    header: string | undefined,
    body: string | Uint8Array = "Hello, World!",
    key = githubSecret,
  ) => verifyGithubSignature(body, header, key);

  test("the signature of GitHub's documentation is right, for text and bytes", () => {
    expect(check(`sha256=${hex}`)).toBe(true);
    expect(check(`sha256=${hex}`, Buffer.from("Hello, World!"))).toBe(true);
  });

  test.each([
    undefined,
    "",
    hex,
    "sha256=",
    `sha1=${hex}`,
    `sha256=${hex.toUpperCase()}`,
    `sha256=${hex.slice(0, -1)}`,
    `sha256=${hex.slice(0, -1)}8`,
    `sha256=${hex}0`,
    `sha256=${hex}, sha256=${hex}`,
  ])("a GitHub signature that is %s is wrong", (header) => {
    expect(check(header)).toBe(false);
  });

  test("a GitHub signature of another body or secret is wrong, and an empty secret is refused", () => {
    expect(check(`sha256=${hex}`, "Hello, World?")).toBe(false);
    expect(check(`sha256=${hex}`, "Hello, World!", "another")).toBe(false);
    expect(() => check(`sha256=${hex}`, "Hello, World!", "")).toThrow(RangeError);
  });
});

describe("a webhook with the headers of Svix", () => {
  // Signed with the npm package svix 1.99.1: new Webhook(secret).sign("msg_2a", new Date(1795305600000), body).
  const body = '{"type":"email.sent","data":{"subject":"a red circle"}}';
  const vector = { body, secrets: ["whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="] };
  const svix = {
    "svix-id": "msg_2a",
    "svix-timestamp": "1795305600",
    "svix-signature": "v1,ZWysNX4DklN9ff3uB++Ox6ne0rXj5Y1bXl9SjnVFGiU=",
  };
  const ours = Object.fromEntries(
    Object.entries(svix).map(([name, value]) => [name.replace("svix", "webhook"), value]),
  );

  test("a webhook that Svix signed is accepted under its names and under those of Standard Webhooks", () => {
    for (const headers of [svix, ours, { ...svix, ...ours }])
      expect(verify(headers, vector)).toEqual({ ok: true, id: "msg_2a", timestampSeconds });
    const forged = { ...svix, "svix-id": "msg_2b" };
    expect(verify(forged, vector)).toEqual({
      ok: false,
      reason: "No signature in svix-signature matches the secret.",
    });
  });

  test("a webhook with some headers of each set lacks those of one", () => {
    const { "svix-signature": signature, ...rest } = svix;
    expect(verify(rest, vector)).toEqual({ ok: false, reason: "The header svix-signature is missing." });
    const mixed = { ...rest, "webhook-signature": signature };
    const reason = "The headers webhook-id and webhook-timestamp are missing.";
    expect(verify(mixed, vector)).toEqual({ ok: false, reason });
    expect(verify({ ...svix, "webhook-id": "other" }, vector)).toMatchObject({ ok: true, id: "msg_2a" });
  });

  test("a webhook with both sets is verified by that of Standard Webhooks alone", () => {
    expect(verify({ ...svix, ...ours, "webhook-id": "other" }, vector)).toMatchObject({ ok: false });
  });
});
