import { createHash } from "node:crypto";
import { SecretError } from "./secret-error.ts";

/** Of letters and digits drawn at random, 43 hold 256 bits. */
const CHARACTERS_MIN = 43;

/**
 * The master key that a random text stands for, as a store of secrets generates it.
 *
 * @throws SecretError if the text is too short to hold one
 */
export function masterKeyFromText(text: string): Uint8Array {
  if (text.length >= CHARACTERS_MIN) return createHash("sha256").update(text).digest();
  throw new SecretError(`A master secret has at least ${CHARACTERS_MIN} characters, not ${text.length}.`);
}
