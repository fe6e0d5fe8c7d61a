import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyRing, SecretError } from "../../../lib/service/keys/index.ts";
import { system } from "../../../lib/shared/system.ts";

const master = Uint8Array.from({ length: 32 }, (_, index) => index);
const ring = keyRing(master, system.random);

/** Computes HKDF step by step (RFC 5869, section 2), for one block of output and no salt. */
function hkdf(info: string): Buffer {
  const pseudorandom = createHmac("sha256", Buffer.alloc(32)).update(master).digest();
  return createHmac("sha256", pseudorandom).update(info).update(Uint8Array.of(1)).digest();
}

describe("derived keys", () => {
  test("derived keys are HKDF-SHA256 of the master key, each with its own info text", () => {
    expect(ring.derivedKey("urls")).toEqual(hkdf("adareel derived urls"));
    expect(ring.webhookSecret("ten_1", 2)).toBe(
      `whsec_${hkdf("adareel webhook 2 ten_1").toString("base64")}`,
    );
  });

  test("derived keys are the same in every process with the same master key, and others with another", () => {
    expect(keyRing(master, system.random).webhookSecret("a", 1)).toBe(ring.webhookSecret("a", 1));
    expect(keyRing(randomBytes(32), system.random).webhookSecret("a", 1)).not.toBe(
      ring.webhookSecret("a", 1),
    );
  });

  test("derived keys differ by use, label and version, also where the texts run together", () => {
    const webhooks = [ring.webhookSecret("1", 1), ring.webhookSecret("1 1", 1), ring.webhookSecret("1", 11)];
    const derived = ["", "1", "webhook 1 1", "seal"].map((label) => ring.derivedKey(label));
    const bytes = derived.map((key) => `whsec_${Buffer.from(key).toString("base64")}`);
    expect(new Set([...webhooks, ...bytes]).size).toBe(7);
  });

  test.each([0, 16, 31, 33, 64])("derived keys need a master key of 32 bytes, not %d", (count) => {
    expect(() => keyRing(new Uint8Array(count), system.random)).toThrow(
      new RangeError(`A master key has 32 bytes, not ${count}.`),
    );
  });
});

describe("sealing", () => {
  const sealed = ring.seal("a secret", "trigger 1");

  function expectRefusal(text: string, context = "trigger 1", by = ring) {
    expect(() => by.unseal(text, context)).toThrow(
      new SecretError(
        "This secret was sealed with another master key, for another use, or was changed since.",
      ),
    );
  }

  test("a sealed text can be opened again, in its context", () => {
    const text = fc.string({ unit: "grapheme" });
    const run = fc.property(text, text, (plain, context) => {
      expect(ring.unseal(ring.seal(plain, context), context)).toBe(plain);
    });
    fc.assert(run);
  });

  test("sealing hides the text, and never gives the same bytes twice", () => {
    expect(Buffer.from(sealed, "base64url").includes("a secret")).toBe(false);
    expect(ring.seal("a secret", "trigger 1")).not.toBe(sealed);
  });

  test("a sealed text opens in another process only with the same master key", () => {
    expect(keyRing(master, system.random).unseal(sealed, "trigger 1")).toBe("a secret");
    expectRefusal(sealed, "trigger 1", keyRing(randomBytes(32), system.random));
  });

  test("a sealed text opens in no other context", () => {
    for (const context of ["", "trigger 2", "trigger 1 ", "Trigger 1"]) expectRefusal(sealed, context);
  });

  test("a sealed text does not open with any bit flipped", () => {
    const bytes = Buffer.from(sealed, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expectRefusal(flipped.toString("base64url"));
    }
  });

  test("a sealed text does not open when cut, lengthened, or encoded differently", () => {
    for (let length = 0; length < sealed.length; length++) expectRefusal(sealed.slice(0, length));
    const longer = Buffer.concat([Buffer.from(sealed, "base64url"), Buffer.alloc(1)]).toString("base64url");
    for (const text of [longer, `${sealed}=`, `${sealed} `, `\n${sealed}`, "not sealed", "é"])
      expectRefusal(text);
  });
});
