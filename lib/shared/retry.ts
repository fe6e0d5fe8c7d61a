import type { Clock, Random, Sleep } from "./ports.ts";

export interface TriesOptions {
  /** Milliseconds before each further try, from a list or a schedule: there is one try more than waits. */
  readonly waits: Iterable<number>;
  readonly sleep: Sleep;
  /** Whether the reason for a failure may pass. No error is tried again when left out. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** No further try begins at that time, in milliseconds since 1970, or later. */
  readonly until?: { readonly clock: Clock; readonly at: number };
  /** Makes the error that is thrown when no try is left; the last one when left out. */
  readonly exhausted?: (error: unknown) => unknown;
}

export interface RetryOptions<T> extends TriesOptions {
  /** Whether a result ends the tries. Every result does when left out; the result of the last try does anyway. */
  readonly isDone?: (result: T) => boolean;
}

/**
 * Tries an operation until it succeeds, waiting between the tries. What `sleep` rejects with ends it too.
 *
 * @example
 * const record = await retry(() => jobs.read(ref), {
 *   waits: doubling({ firstMs: 20, maxMs: 640, count: 6 }),
 *   sleep,
 *   isRetryable: (error) => error instanceof StoreError && error.code === "unavailable",
 *   isDone: (found) => found !== null,
 * });
 */
export async function retry<T>(operation: () => Promise<T>, options: RetryOptions<T>): Promise<T> {
  const { isDone = () => true } = options;
  const tries = new Tries(options);
  for (;;) {
    let result: T;
    try {
      result = await operation();
    } catch (error) {
      await tries.failed(error);
      continue;
    }
    if (isDone(result) || !(await tries.wait())) return result;
  }
}

/** The tries of something that gets further with each, such as a download that goes on where it broke. */
export class Tries {
  readonly #options: TriesOptions;
  #waits: Iterator<number>;

  constructor(options: TriesOptions) {
    this.#options = options;
    this.#waits = options.waits[Symbol.iterator]();
  }

  /** Waits before the next try, or throws where there is none. */
  async failed(error: unknown): Promise<void> {
    const { isRetryable = () => false, exhausted = () => error } = this.#options;
    if (!isRetryable(error)) throw error;
    if (!(await this.wait())) throw exhausted(error);
  }

  /** Waits before the next try; false where there is none. */
  async wait(): Promise<boolean> {
    const { sleep, until } = this.#options;
    const next = this.#waits.next();
    if (next.done || (until && until.clock.now() + next.value >= until.at)) return false;
    await sleep(next.value);
    return true;
  }

  /** Begins the schedule anew, because the last try got further. */
  restart(): void {
    this.#waits = this.#options.waits[Symbol.iterator]();
  }
}

export interface Doubling {
  readonly firstMs: number;
  readonly maxMs: number;
  /** How many waits there are; endless when left out. */
  readonly count?: number;
  /** Makes each wait a random part of itself ("full jitter"), so that those who collided do not collide again. */
  readonly random?: Random;
}

/** A schedule of waits, each twice the one before until they reach `maxMs`. */
export function doubling({
  firstMs,
  maxMs,
  count = Number.POSITIVE_INFINITY,
  random,
}: Doubling): Iterable<number> {
  return {
    *[Symbol.iterator]() {
      for (let [index, waitMs] = [0, firstMs]; index < count; index += 1, waitMs *= 2) {
        const limitMs = Math.min(waitMs, maxMs);
        yield random ? limitMs * fraction(random) : limitMs;
      }
    },
  };
}

/** A schedule of equal waits without an end, for tries until a time. */
export function every(waitMs: number): Iterable<number> {
  return doubling({ firstMs: waitMs, maxMs: waitMs });
}

/** 0 to 1, without 1. */
function fraction(random: Random): number {
  return Buffer.from(random(4)).readUInt32LE() / 2 ** 32;
}
