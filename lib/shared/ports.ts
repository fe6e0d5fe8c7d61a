/*
 * Ports of time and chance. Code of lib/service and lib/shared reads clocks, draws random numbers and sets timers only
 * through these types. The real implementations are in `system.ts`; test/tidy.test.ts lists the files that may use them.
 * The other sources of nondeterminism in these folders are the object store, the file system and the network.
 *
 * lib/generation is not held to this. Its noise comes from a seed; it measures seconds with `performance.now()`, on
 * which no result depends, and uses system timers to wait for encoders and to stop child processes. Functions are entry
 * points and use the real ones.
 */

export interface Clock {
  /** Milliseconds since 1970. May go back when the clock of the machine is set. */
  now(): number;
}

/** Returns that many unpredictable bytes. */
export type Random = (byteCount: number) => Uint8Array;

/** Resolves after so many milliseconds. May reject to end the operation that waits. */
export type Sleep = (durationMs: number) => Promise<unknown>;

export interface Timers {
  /** Milliseconds since an arbitrary moment. Never goes back, so it measures durations. */
  elapsed(): number;
  /** Returns a signal that aborts after so many milliseconds. */
  timeout(durationMs: number): AbortSignal;
}
