import type { Clock, Random, Sleep } from "./ports.ts";

export interface TriesOptions {
  /** Milliseconds to wait before each further try, as a list or a schedule. There is one more try than waits. */
  readonly waits: Iterable<number>;
  readonly sleep: Sleep;
  /** Returns whether to try again after an error. By default no error is retried. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** Time, in milliseconds since 1970, at or after which no further try begins. */
  readonly until?: { readonly clock: Clock; readonly at: number };
  /** Makes the error to throw when no try is left. By default the last error is thrown. */
  readonly exhausted?: (error: unknown) => unknown;
}

export interface RetryOptions<T> extends TriesOptions {
  /** Returns whether a result ends the tries; by default every result does. The last result is always returned. */
  readonly isDone?: (result: T) => boolean;
}

/**
 * Tries an operation until it succeeds, waiting between the tries. A rejection of `sleep` ends the tries too.
 *
 * @example
 * // Tries at most 4 times, after waits of 20, 40 and 80 ms, until there is a record.
 * const record = await retry(() => jobs.read(ref), {
 *   waits: doubling({ firstMs: 20, maxMs: 640, count: 3 }),
 *   sleep: system.sleep,
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

/** Tries of an operation that resumes, such as a download that continues where the connection broke. */
export class Tries {
  readonly #options: TriesOptions;
  #waits: Iterator<number>;

  constructor(options: TriesOptions) {
    this.#options = options;
    this.#waits = options.waits[Symbol.iterator]();
  }

  /** Waits before the next try; throws if the error is not retryable or no try is left. */
  async failed(error: unknown): Promise<void> {
    const { isRetryable = () => false, exhausted = () => error } = this.#options;
    if (!isRetryable(error)) throw error;
    if (!(await this.wait())) throw exhausted(error);
  }

  /** Waits before the next try; resolves to false if no try is left. */
  async wait(): Promise<boolean> {
    const { sleep, until } = this.#options;
    const next = this.#waits.next();
    if (next.done || (until && until.clock.now() + next.value >= until.at)) return false;
    await sleep(next.value);
    return true;
  }

  /** Restarts the schedule after progress. */
  restart(): void {
    this.#waits = this.#options.waits[Symbol.iterator]();
  }
}

export interface Doubling {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Number of waits; endless by default. */
  readonly count?: number;
  /** Scales each wait by a random factor from 0 to 1 ("full jitter"), so that competing writers spread out. */
  readonly random?: Random;
}

/** Returns a schedule of waits that double up to `maxMs`. */
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

/** Returns an endless schedule of equal waits, for tries that end at a given time. */
export function every(waitMs: number): Iterable<number> {
  return doubling({ firstMs: waitMs, maxMs: waitMs });
}

/** Draws a number from 0 to 1, excluding 1. */
function fraction(random: Random): number {
  return Buffer.from(random(4)).readUInt32LE() / 2 ** 32;
}
