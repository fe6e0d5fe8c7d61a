import { createHash, createHmac, randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { newSecret, secretFault, verifyDelivery } from "../../../lib/service/triggers/delivery.ts";

const NOW_SECONDS = 1_795_000_000;
const DAY_MS = 24 * 3_600_000;
const text = '{"title":"a fox"}';
const body = Buffer.from(text);
const fingerprint = createHash("sha256").update(body).digest("hex");

describe("Standard Webhooks", () => {
  const secret = newSecret("standard_webhooks", randomBytes);
  const options = { secrets: [secret], nowSeconds: NOW_SECONDS };

  function headers(signedBy = secret, seconds = NOW_SECONDS, id = "msg_1"): Headers {
    const date = new Date(seconds * 1000);
    return new Headers({
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": new Webhook(signedBy).sign(id, date, text),
    });
  }

  test("Standard Webhooks are deduplicated by their id for a week", () => {
    const delivery = { id: "msg_1", fingerprint, lifetimeMs: 7 * DAY_MS };
    expect(verifyDelivery("standard_webhooks", { headers: headers(), body }, options)).toEqual(delivery);
    const later = { headers: headers(secret, NOW_SECONDS + 200), body };
    expect(verifyDelivery("standard_webhooks", later, options)).toEqual(delivery);
  });

  test.each([
    ["signed with another secret", headers(newSecret("standard_webhooks", randomBytes))],
    ["stale", headers(secret, NOW_SECONDS - 301)],
    ["from the future", headers(secret, NOW_SECONDS + 301)],
    ["unsigned", new Headers()],
  ])("Standard Webhooks are refused when %s", (_, headers) => {
    expect(verifyDelivery("standard_webhooks", { headers, body }, options)).toBeNull();
  });

  test("Standard Webhooks are refused when a byte of the body differs", () => {
    const changed = Buffer.from(text.replace("fox", "fix"));
    expect(verifyDelivery("standard_webhooks", { headers: headers(), body: changed }, options)).toBeNull();
  });
});

describe("GitHub's webhooks", () => {
  const secret = newSecret("github", randomBytes);
  const options = { secrets: ["another one, just as valid", secret], nowSeconds: NOW_SECONDS };
  const sign = (key: string) => `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;

  test("GitHub's webhooks are deduplicated by their content for 30 days, whatever delivery id comes along", () => {
    const deliveries = ["a", "b"].map((id) => {
      const headers = new Headers({ "x-hub-signature-256": sign(secret), "x-github-delivery": id });
      return verifyDelivery("github", { headers, body }, options);
    });
    const delivery = { id: fingerprint, fingerprint, lifetimeMs: 30 * DAY_MS };
    expect(deliveries).toEqual([delivery, delivery]);
  });

  test.each([
    ["wrong", sign("wrong")],
    ["truncated", sign(secret).slice(0, -1)],
    ["missing", ""],
  ])("GitHub's webhooks are refused with a %s signature", (_, signature) => {
    const headers = new Headers({ "x-hub-signature-256": signature });
    expect(verifyDelivery("github", { headers, body }, options)).toBeNull();
    expect(verifyDelivery("github", { headers: new Headers(), body }, options)).toBeNull();
  });
});

describe("webhooks with a token", () => {
  const token = newSecret("bearer", randomBytes);
  const hash = createHash("sha256").update(token).digest("hex");
  const options = { secrets: [hash], nowSeconds: NOW_SECONDS };
  const verify = (headers: Record<string, string>) =>
    verifyDelivery("bearer", { headers: new Headers(headers), body }, options);
  const authorization = `Bearer ${token}`;

  test("webhooks with a token are deduplicated by their key for a day, and without one by content for two minutes", () => {
    const keyed = { id: "key k", fingerprint, lifetimeMs: DAY_MS };
    expect(verify({ authorization, "idempotency-key": "k" })).toEqual(keyed);
    expect(verify({ authorization, "webhook-id": "k" })).toEqual(keyed);
    expect(verify({ authorization })).toEqual({
      id: `body ${fingerprint}`,
      fingerprint,
      lifetimeMs: 120_000,
    });
  });

  test.each(["", "Bearer", `Bearer ${hash}`, `Bearer ${token}x`, `Basic ${token}`, token])(
    "webhooks with a token are refused with %j",
    (authorization) => {
      expect(verify({ authorization })).toBeNull();
      expect(verify({})).toBeNull();
    },
  );
});

describe("secrets", () => {
  test.each(["standard_webhooks", "github", "bearer"] as const)(
    "secrets drawn for %s are valid and differ",
    (scheme) => {
      const secret = newSecret(scheme, randomBytes);
      expect(secretFault(scheme, secret)).toBeNull();
      expect(newSecret(scheme, randomBytes)).not.toBe(secret);
    },
  );

  test.each([
    ["standard_webhooks", "a-secret-of-some-length", "A webhook secret must start with whsec_."],
    ["standard_webhooks", "whsec_c2hvcnQ=", "A webhook secret must have 24 to 64 bytes."],
    ["github", "short", "A secret must have 16 to 256 printable ASCII characters without spaces."],
    [
      "bearer",
      "with a space in the middle",
      "A secret must have 16 to 256 printable ASCII characters without spaces.",
    ],
  ] as const)("a secret of %s cannot be %j", (scheme, secret, fault) => {
    expect(secretFault(scheme, secret)).toBe(fault);
  });
});
