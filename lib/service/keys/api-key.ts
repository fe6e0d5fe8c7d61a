import { createHash } from "node:crypto";
import { isSameSecret } from "../../shared/is-same-secret.ts";
import type { Random } from "../../shared/ports.ts";

export interface NewApiKey {
  /** Public part of the key, by which it is looked up and listed. */
  readonly id: string;
  /** Key, `adr_<id>_<secret>`. It is shown once and never stored. */
  readonly key: string;
  /** SHA-256 of the key in hex, which is stored in its place. */
  readonly hash: string;
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARACTERS = 12;
const SECRET_BYTES = 32;
/** Form of a key. Both parts have a fixed length, so the "_" of base64url in the secret causes no ambiguity. */
const FORM = /^adr_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** Makes a new key from 44 random bytes: 12 for the id and 32 for the secret. */
export function newApiKey(random: Random): NewApiKey {
  const id = Array.from(random(ID_CHARACTERS), (byte) => BASE32[byte % BASE32.length]).join("");
  const key = `adr_${id}_${Buffer.from(random(SECRET_BYTES)).toString("base64url")}`;
  return { id, key, hash: hashApiKey(key) };
}

/** Splits a key into its parts; null if the text does not have the form of a key. Only its hash can verify a key. */
export function parseApiKey(text: string): { id: string; secret: string } | null {
  const match = FORM.exec(text);
  return match && { id: match[1]!, secret: match[2]! };
}

/** Returns the SHA-256 of the whole key in hex. A secret of 32 random bytes needs no slow hash. */
export function hashApiKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Returns whether the key has this hash, in constant time. */
export function matchesHash(key: string, hash: string): boolean {
  return isSameSecret(hashApiKey(key), hash);
}
