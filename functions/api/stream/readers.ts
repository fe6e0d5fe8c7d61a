import type { StreamLimits } from "../env.ts";
import { ApiError } from "../problem.ts";

/** Open streams of this process. */
export interface Readers {
  /**
   * Counts a stream of an API key. Returns what ends the counting; it may be called twice.
   *
   * @throws ApiError if the key, or the process, has as many as it may have
   */
  enter(keyId: string): () => void;
}

const RETRY_SECONDS = 5;

/**
 * Counts streams, so that readers cannot use up the connections of a process.
 *
 * @param onCount called with the number of open streams
 */
export function streamReaders(
  { perKeyMax, totalMax }: Pick<StreamLimits, "perKeyMax" | "totalMax">,
  onCount: (open: number) => void = () => undefined,
): Readers {
  const openOf = new Map<string, number>();
  let open = 0;

  function change(keyId: string, by: 1 | -1): void {
    open += by;
    const own = (openOf.get(keyId) ?? 0) + by;
    if (own > 0) openOf.set(keyId, own);
    else openOf.delete(keyId);
    onCount(open);
  }

  return {
    enter(keyId) {
      if ((openOf.get(keyId) ?? 0) >= perKeyMax)
        throw tooMany(
          "This key has as many open streams as it may have: close one of them, or poll instead.",
        );
      if (open >= totalMax)
        throw tooMany("The service has as many open streams as it can hold: poll instead, or try again.");
      change(keyId, 1);
      let isOpen = true;
      return () => {
        if (isOpen) change(keyId, -1);
        isOpen = false;
      };
    },
  };
}

function tooMany(message: string): ApiError {
  return new ApiError("too_many_streams", message, { headers: { "retry-after": String(RETRY_SECONDS) } });
}
