/** Cancellation of videos whose caller does not want them any more. */
export interface Withdrawal {
  /** Says that somebody waits for the videos with this signal. */
  waited(): void;
  /** Says that the videos are over. */
  end(): void;
}

/**
 * Calls `withdraw` once a signal is aborted. A signal that merely timed out counts only while somebody waits: a caller
 * may bound the start of a video by `AbortSignal.timeout`, and ask for the video later.
 */
export function withdrawal(signal: AbortSignal, withdraw: () => void): Withdrawal {
  let isWaited = false;
  const aborted = () => {
    const { reason } = signal as { readonly reason: unknown };
    const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
    if (isWaited || !isTimeout) withdraw();
  };
  signal.addEventListener("abort", aborted, { once: true });
  return {
    waited() {
      isWaited = true;
    },
    end: () => signal.removeEventListener("abort", aborted),
  };
}

/** Settles as `work` does, unless the signal is aborted first; `work` goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
