import { createHash } from "node:crypto";

/**
 * Returns whether a job belongs to the share of jobs that are audited. It depends on the id alone, so that every
 * attempt decides the same.
 *
 * @param share 0 for no job, 1 for all
 */
export function isInShare(id: string, share: number): boolean {
  const drawn = createHash("sha256").update(id).digest().readUInt32BE() / 2 ** 32;
  return drawn < share;
}
