/** What the outside world gives: with the object store, the only nondeterminism there is. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** That many unpredictable bytes. */
export type Random = (byteCount: number) => Uint8Array;
