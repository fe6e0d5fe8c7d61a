import { createHash } from "node:crypto";
import { SecretError } from "./secret-error.ts";

/** Least length of a master secret: 43 random letters and digits hold 256 bits. */
const CHARACTERS_MIN = 43;

/**
 * Derives the master key from a random text, such as AWS Secrets Manager generates.
 *
 * @throws SecretError if the text has fewer than 43 characters
 */
export function masterKeyFromText(text: string): Uint8Array {
  if (text.length >= CHARACTERS_MIN) return createHash("sha256").update(text).digest();
  throw new SecretError(`A master secret has at least ${CHARACTERS_MIN} characters, not ${text.length}.`);
}
