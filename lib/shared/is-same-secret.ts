import { timingSafeEqual } from "node:crypto";

/**
 * Returns whether two secrets, signatures or hashes of them are the same, in time that depends on their lengths only.
 * It is the one place where such values are compared: `===` would tell by its time how many characters were right.
 */
export function isSameSecret(given: string | Uint8Array, expected: string | Uint8Array): boolean {
  const [theirs, ours] = [Buffer.from(given), Buffer.from(expected)];
  return theirs.length === ours.length && timingSafeEqual(theirs, ours);
}
