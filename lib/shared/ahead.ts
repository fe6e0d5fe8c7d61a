/** Largest assumed difference between two machines' clocks. */
export const CLOCK_SKEW_MS = 5_000;

/**
 * Returns whether a stored time is still ahead. A time lies at most `withinMs` ahead when it is stored. A time that
 * lies further away was stored by a clock that has been set back since. It counts as over, so nobody waits for a time
 * longer than its kind allows, however far a clock was set.
 *
 * @param time milliseconds since 1970
 * @param now milliseconds since 1970
 * @example
 * isAhead(now + 30_000, now, 60_000); // true
 * isAhead(now + 3_600_000, now, 60_000); // false
 */
export function isAhead(time: number, now: number, withinMs: number): boolean {
  return time > now && !isFromFuture(time - withinMs, now);
}

/** Returns whether something that was stored as the present lies in the future: the clock has been set back since. */
export function isFromFuture(time: number, now: number): boolean {
  return time > now + CLOCK_SKEW_MS;
}
