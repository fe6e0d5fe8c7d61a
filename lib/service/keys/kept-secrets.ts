import { isAhead } from "../../shared/ahead.ts";

/** Secret that was replaced, and still counts until a time in milliseconds since 1970. */
export interface KeptSecret {
  readonly until: number;
}

/** Longest time for which a replaced secret is kept. */
export const SECRET_KEPT_MS_MAX = 24 * 3_600_000;

/** Number of replaced secrets that are kept at once. */
export const KEPT_SECRETS_MAX = 5;

/** Error of a rotation that would have to break the promise of an earlier one. */
export class KeptSecretsError extends Error {
  override readonly name = "KeptSecretsError";
}

/** Returns the secrets that are still kept. */
export function stillKept<T extends KeptSecret>(secrets: readonly T[], now: number): T[] {
  return secrets.filter(({ until }) => isAhead(until, now, SECRET_KEPT_MS_MAX));
}

/**
 * Returns the secrets that are kept after a rotation: those that were promised it, and the one that it replaces. A
 * rotation that does not keep the secret that it replaces keeps none.
 *
 * @param replaced secret that is replaced, newest of all; null if it is not to be kept
 * @throws KeptSecretsError if too many were promised to be kept
 */
export function keptAfter<T extends KeptSecret>(kept: readonly T[], replaced: T | null, now: number): T[] {
  if (replaced === null) return [];
  const promised = stillKept(kept, now);
  if (promised.length < KEPT_SECRETS_MAX) return [replaced, ...promised];
  const free = new Date(Math.min(...promised.map(({ until }) => until))).toISOString();
  throw new KeptSecretsError(
    `${KEPT_SECRETS_MAX} old secrets are still active, the first until ${free}: rotate after that, or without keeping ` +
      "the old secret, which ends them all.",
  );
}
