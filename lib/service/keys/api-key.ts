import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../../shared/ports.ts";

export interface NewApiKey {
  /** What the key is looked up and listed by; no secret. */
  readonly id: string;
  /** `adr_<id>_<secret>`, to be shown once and kept nowhere. */
  readonly key: string;
  /** What is kept of the key. */
  readonly hash: string;
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARACTERS = 12;
const SECRET_BYTES = 32;
/** The id has no "_", and both have a fixed length, so the "_" of base64url is no ambiguity. */
const FORM = /^adr_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** A key that nobody has seen, from 44 random bytes. */
export function newApiKey(random: Random): NewApiKey {
  const id = Array.from(random(ID_CHARACTERS), (byte) => BASE32[byte % BASE32.length]).join("");
  const key = `adr_${id}_${Buffer.from(random(SECRET_BYTES)).toString("base64url")}`;
  return { id, key, hash: hashApiKey(key) };
}

/** The parts of a key, or null if the text is none; that it is known and right is for its hash to say. */
export function parseApiKey(text: string): { id: string; secret: string } | null {
  const match = FORM.exec(text);
  return match && { id: match[1]!, secret: match[2]! };
}

/** SHA-256 of the whole key, in hex; 32 random bytes need no slow hash. */
export function hashApiKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** Whether `hash` is that of the key, in the same time wherever they differ. */
export function matchesHash(key: string, hash: string): boolean {
  const [ours, theirs] = [Buffer.from(hashApiKey(key)), Buffer.from(hash)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}
