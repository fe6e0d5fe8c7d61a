import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashApiKey, matchesHash, newApiKey, parseApiKey } from "../../../lib/service/keys/index.ts";

const zeros = (count: number) => new Uint8Array(count);

test("a new key has its id, a secret of 32 bytes, and a hash that reveals neither", () => {
  const { id, key, hash } = newApiKey(randomBytes);
  const parsed = parseApiKey(key);
  expect(parsed?.id).toBe(id);
  expect(key).toBe(`adr_${id}_${parsed?.secret}`);
  expect(Buffer.from(parsed!.secret, "base64url")).toHaveLength(32);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

test("the same random bytes give the same key, and every bit of the secret counts", () => {
  const known = newApiKey(zeros);
  const key = `adr_aaaaaaaaaaaa_${"A".repeat(43)}`;
  // Output of sha256sum for the key.
  const hash = "4d03dc300808ffd5c1ebcb308a7414b1a46c04b259382c221866f3b943a01f6e";
  expect(known).toEqual({ id: "aaaaaaaaaaaa", key, hash });
  const keys = new Set<string>();
  for (let bit = 0; bit < 256; bit++) {
    const flipped = (count: number) =>
      zeros(count).map((_, byte) => (byte === bit >> 3 ? 1 << (bit & 7) : 0));
    keys.add(parseApiKey(newApiKey((count) => (count === 32 ? flipped(32) : zeros(count))).key)!.secret);
  }
  expect(keys.size).toBe(256);
});

test("every key parses, and its id is never cut short by its secret", () => {
  const bytes = fc.uint8Array({ minLength: 44, maxLength: 44 });
  const run = fc.property(bytes, (all) => {
    const { id, key } = newApiKey((count) => (count === 32 ? all.subarray(12) : all.subarray(0, count)));
    expect(id).toMatch(/^[a-z2-7]{12}$/);
    expect(parseApiKey(key)?.id).toBe(id);
  });
  fc.assert(run);
});

const { key, hash } = newApiKey(randomBytes);

test.each([
  "",
  "adr_",
  "adr__",
  key.slice(0, -1),
  `${key}A`,
  `${key}\n`,
  ` ${key}`,
  `Bearer ${key}`,
  key.toUpperCase(),
  key.replace("adr_", "sk_"),
  key.replace("adr_", "adr-"),
  key.replace(/_[a-z2-7]{12}_/, "_aaaaaaaaaaa1_"),
  key.replace(/_[a-z2-7]{12}_/, "_aaaaaaaaaaa_"),
  `${key.slice(0, -1)}=`,
  `${key.slice(0, -1)}é`,
  "_".repeat(1_000_000),
])("a text that is no key parses to null", (text) => {
  expect(parseApiKey(text)).toBeNull();
});

describe("a hash", () => {
  test("a hash matches its key only", () => {
    expect(hash).toBe(hashApiKey(key));
    expect(matchesHash(key, hash)).toBe(true);
    expect(matchesHash(newApiKey(randomBytes).key, hash)).toBe(false);
    for (let at = 0; at < key.length; at++) {
      const changed = key.slice(0, at) + (key[at] === "a" ? "b" : "a") + key.slice(at + 1);
      expect(matchesHash(changed, hash)).toBe(false);
    }
  });

  test.each(["", "00", hash.slice(1), hash.toUpperCase(), `${hash}00`, "é".repeat(32), "é".repeat(64)])(
    "a damaged hash matches nothing: %j",
    (damaged) => {
      expect(matchesHash(key, damaged)).toBe(false);
    },
  );
});
