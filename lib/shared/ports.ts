/*
 * What programs get from the outside world besides the object store, the file system and the network. Code of
 * lib/service and lib/shared takes time, chance and timers only through these types; test/tidy.test.ts holds it to that
 * and names who may use the real ones, which are in `system.ts`.
 *
 * lib/generation takes its noise from a seed. It measures seconds with `performance.now()`, which nothing depends on,
 * and it waits for encoders and limits child processes with the system's own timers.
 */

export interface Clock {
  /** Milliseconds since 1970. May go back when the clock of the machine is set. */
  now(): number;
}

/** That many unpredictable bytes. */
export type Random = (byteCount: number) => Uint8Array;

/** Resolves after so many milliseconds; may reject, which ends whatever waits. */
export type Sleep = (durationMs: number) => Promise<unknown>;

export interface Timers {
  /** Milliseconds since an arbitrary moment, which never go back: to measure durations. */
  elapsed(): number;
  /** A signal that aborts after so many milliseconds. */
  timeout(durationMs: number): AbortSignal;
}
