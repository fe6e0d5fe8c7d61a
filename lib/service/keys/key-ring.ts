import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { Random } from "../../shared/ports.ts";
import { SecretError } from "./secret-error.ts";

/** Keys and secrets derived from one master key by HKDF (RFC 5869). Only the master key is stored. */
export interface KeyRing {
  /** Returns `whsec_` and 32 bytes in base64, derived from label and version. A new version rotates the secret. */
  webhookSecret(label: string, version: number): string;
  /** Returns a key of 32 bytes that is independent of all others, for example to sign URLs. */
  derivedKey(label: string): Uint8Array;
  /** Encrypts a text with AES-256-GCM. `unseal` needs the same context. Sealing twice gives different results. */
  seal(plain: string, context: string): string;
  /**
   * Decrypts a sealed text.
   *
   * @throws SecretError if the text was changed, or was sealed with another master key or for another context
   */
  unseal(sealed: string, context: string): string;
}

export const MASTER_KEY_BYTES = 32;

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Makes the key ring of a master key.
 *
 * @throws RangeError if the master key does not have 32 bytes
 */
export function keyRing(master: Uint8Array, random: Random): KeyRing {
  if (master.length !== MASTER_KEY_BYTES) {
    throw new RangeError(`A master key has ${MASTER_KEY_BYTES} bytes, not ${master.length}.`);
  }
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", master, "", `adareel ${purpose}`, 32));
  const sealingKey = derive("seal");

  return {
    // The label comes last, so that no two purposes can give the same text.
    webhookSecret: (label, version) => `whsec_${derive(`webhook ${version} ${label}`).toString("base64")}`,
    derivedKey: (label) => derive(`derived ${label}`),
    seal(plain, context) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const encrypted = [cipher.update(plain, "utf8"), cipher.final()];
      return Buffer.concat([nonce, ...encrypted, cipher.getAuthTag()]).toString("base64url");
    },
    unseal(sealed, context) {
      const bytes = Buffer.from(sealed, "base64url");
      // Buffer ignores characters that are not base64url, so the text is compared with its canonical form.
      const isWhole = bytes.toString("base64url") === sealed && bytes.length >= NONCE_BYTES + TAG_BYTES;
      if (!isWhole) throw new SecretError(UNSEALABLE);
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, sealingKey, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      try {
        return Buffer.concat([plain, decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new SecretError(UNSEALABLE, { cause });
      }
    },
  };
}

const UNSEALABLE = "This secret was sealed with another master key, for another use, or was changed since.";
